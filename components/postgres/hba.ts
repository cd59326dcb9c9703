import { readonlyUser, replicationUser, superuser } from "./names";

/** What decides who may connect. */
export interface HbaSpec {
  /** `host` takes connections with TLS and without, `hostssl` only those with. */
  type: "host" | "hostssl";
  /** The app's database. */
  database: string;
  /** Whether the superuser may connect over the network. */
  superuserAccess: boolean;
}

type Row = [type: string, database: string, user: string, address: string, method: string];

/**
 * Who may connect, as pg_hba.conf: the first line that fits decides. On the pod's own socket the operating system's user is
 * enough (`kubectl exec` is already guarded by Kubernetes); over the network only a password is. Nobody is trusted.
 */
export function pgHba({ type, database, superuserAccess }: HbaSpec): string {
  const password = (of: string, user: string): Row => [type, of, user, "all", "scram-sha-256"];
  const reject = (of: string, user: string): Row => ["host", of, user, "all", "reject"];
  const rows: Row[] = [
    ["local", "all", "all", "", "peer map=pod"],
    ["local", "replication", "all", "", "reject"],
    password("replication", replicationUser),
    password("postgres", replicationUser),
    reject("all", replicationUser),
    superuserAccess ? password("all", superuser) : reject("all", superuser),
    // A session in it keeps every CREATE DATABASE from its copy.
    reject("template1", "all"),
    password(quoted(database), readonlyUser),
    reject("all", readonlyUser),
    password("all", "all"),
    // What none of the lines above takes: another's replication, and with hostssl a connection without TLS.
    reject("all,replication", "all"),
  ];
  return table([["# TYPE", "DATABASE", "USER", "ADDRESS", "METHOD"], ...rows]);
}

/** A name of the user's; quoted, words such as `all` and `replication` are names, too. */
export const quoted = (name: string): string => `"${name.replace(/"/g, '""')}"`;

function table(rows: Row[]): string {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}
