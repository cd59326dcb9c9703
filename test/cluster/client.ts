import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The connection is read from standard input, so that no password is in an argument list or an environment.
const program = `
import json, sys, psycopg2
ask = json.load(sys.stdin)
connection = psycopg2.connect(connect_timeout=10, **ask["connect"])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(ask["sql"])
print(json.dumps([[str(value) for value in row] for row in cursor.fetchall()]))
`;

export interface Login {
  host?: string;
  database?: string;
  user?: string;
  password?: string;
  /** A libpq URI instead of the fields. */
  dsn?: string;
}

/**
 * Runs SQL through Debian's psycopg2 the way an app in the cluster would: names are resolved by the cluster's DNS.
 * The test machine's own resolver is left alone: only the client's mount namespace sees another resolv.conf.
 * @throws Error with psycopg2's own words.
 */
export async function psycopg2(dns: string, connect: Login, sql: string): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  const resolver = join(folder, "resolv.conf");
  writeFileSync(resolver, `nameserver ${dns}\n`);
  try {
    const inside = 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && exec /usr/bin/python3 -c "$2"';
    const child = spawn("unshare", ["--mount", "sh", "-c", inside, "sh", resolver, program]);
    child.stdin.end(JSON.stringify({ connect, sql }));
    let out = "";
    let words = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      words += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(words.trim().split("\n").slice(-2).join(" "));
    return JSON.parse(out);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
