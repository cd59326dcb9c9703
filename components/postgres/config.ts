import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { additionFiles } from "./additions/files";
import { replicationUser } from "./names";
import type { ClusterSpec } from "./spec";

const scriptsDirectory = join(__dirname, "scripts");

let read: Record<string, string> | undefined;

/** The scripts that run in the pods, by file name: the data of the scripts ConfigMap. Read once for all clusters. */
export function scripts(): Record<string, string> {
  read ??= readScripts();
  return read;
}

function readScripts(): Record<string, string> {
  const names = readdirSync(scriptsDirectory).filter((file) => file.endsWith(".sh"));
  return Object.fromEntries(names.sort().map((file) => [file, readFileSync(join(scriptsDirectory, file), "utf8")]));
}

/**
 * Who may connect. On the pod's own socket the operating system's user is enough (`kubectl exec` is already
 * guarded by Kubernetes); over the network only a password is, and never for the superuser.
 */
export function pgHba(): string {
  return `# TYPE  DATABASE     USER         ADDRESS  METHOD
local   all          all                   peer map=pod
host    replication  ${replicationUser}   all      scram-sha-256
host    postgres     ${replicationUser}   all      scram-sha-256
host    all          ${replicationUser}   all      reject
host    all          postgres     all      reject
host    all          all          all      scram-sha-256
`;
}

const quoted = (value: string): string => `"${value.replace(/"/g, '""')}"`;

/** Lets the pod's user connect on the socket as the superuser and as the app's role (`psql -U appuser` in the pod). */
export function pgIdent(user: string): string {
  return `# MAP  SYSTEM-USERNAME  PG-USERNAME
pod    postgres         postgres
pod    postgres         ${quoted(user)}
`;
}

/**
 * Data of the ConfigMap with the settings. Mounted as files, so that a change reaches running pods; only the two names are
 * environment variables, too.
 */
export function configData(spec: ClusterSpec): Record<string, string> {
  return {
    POSTGRES_DB: spec.database,
    POSTGRES_USER: spec.user,
    replicas: `${spec.replicas}\n`,
    "postgresql.conf": spec.postgresqlConf,
    "pg_hba.conf": pgHba(),
    "pg_ident.conf": pgIdent(spec.user),
    ...additionFiles(spec),
    ...(spec.recoverPrimaryFrom !== undefined && { "recover-primary-from": `${spec.recoverPrimaryFrom}\n` }),
  };
}
