import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

// The connection is read from standard input, so that no password is in an argument list or an environment.
const program = `
import json, signal, sys, psycopg2
ask = json.load(sys.stdin)
# A question without an answer must end by itself: a cut link, a statement that waits, a server that stands still.
signal.alarm(60)
patience = dict(connect_timeout=10, tcp_user_timeout=5000, options="-c statement_timeout=30s")
connection = psycopg2.connect(**patience, **ask["connect"])
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
  /** A libpq URI instead of the fields; what is given beside it counts more. */
  dsn?: string;
  sslmode?: string;
  /** File with the authority. */
  sslrootcert?: string;
  ssl_min_protocol_version?: string;
  ssl_max_protocol_version?: string;
}

/**
 * Starts a Python program the way an app in the cluster would run: names are resolved by the cluster's DNS. The test
 * machine's own resolver is left alone: only the client's mount namespace sees another resolv.conf.
 */
export function clientProcess(dns: string, source: string): ChildProcessWithoutNullStreams {
  const inside =
    'file=$(mktemp) && printf "nameserver %s\\n" "$1" >"$file" && mount --bind "$file" "$(readlink -f /etc/resolv.conf)" && ' +
    'rm "$file" && exec /usr/bin/python3 -c "$2"';
  const child = spawn("unshare", ["--mount", "sh", "-c", inside, "sh", dns, source]);
  // What was still to be said to a client that has ended is of no interest.
  child.stdin.on("error", () => undefined);
  return child;
}

/**
 * Runs SQL through Debian's psycopg2.
 * @throws Error with psycopg2's own words.
 */
export async function psycopg2(dns: string, connect: Login, sql: string): Promise<string[][]> {
  const child = clientProcess(dns, program);
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
  if (code === null) throw new Error("there was no answer within 60 s");
  if (code !== 0) throw new Error(words.trim().split("\n").slice(-2).join(" "));
  return JSON.parse(out);
}
