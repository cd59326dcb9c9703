/**
 * Makes components/postgres/parameters/settings.json from the servers' own pg_settings:
 *
 *     node --require tsx/cjs local/parameters/refresh.ts
 *
 * Run it to take in a new major (add it to `packages`) or new minors, and review the diff. Needs npm and x86-64 Linux; nothing is left behind.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SettingEntry } from "../../components/postgres/parameters/catalog";
import { installServer, inTemporaryDirectory, type PgSettingsRow, packages, readPgSettings } from "./server";

const target = join(__dirname, "../../components/postgres/parameters/settings.json");

/**
 * Choices that depend on how a server was built: these packages lack lz4, zstd and io_uring, which the official images and Debian's
 * packages have (the official Alpine images have no io_uring; it is refused anyway).
 */
const builtElsewhere: Readonly<Record<string, readonly string[]>> = {
  default_toast_compression: ["pglz", "lz4"],
  wal_compression: ["pglz", "lz4", "zstd", "on", "off"],
  io_method: ["sync", "worker", "io_uring"],
};

/** Values that say where or when a server was built, not what PostgreSQL does. */
const noDefault = new Set(["server_version", "server_version_num", "unix_socket_directories", "krb_server_keyfile"]);

type Entry = Omit<SettingEntry, "majors" | "differs">;

function entryOf(row: PgSettingsRow): Entry {
  const values = row.enumvals === null ? undefined : (builtElsewhere[row.name] ?? row.enumvals);
  return {
    type: row.vartype,
    context: row.context,
    ...(row.unit !== null && { unit: row.unit }),
    ...(row.min_val !== null && { min: Number(row.min_val) }),
    ...(row.max_val !== null && { max: Number(row.max_val) }),
    ...(values !== undefined && { values }),
    ...(row.boot_val !== null && row.boot_val !== "" && !noDefault.has(row.name) && { default: row.boot_val }),
  };
}

/** One entry for all majors: as in the newest that has it, and what differs in older ones. */
function merge(byMajor: ReadonlyMap<number, Entry>, allMajors: readonly number[]): SettingEntry {
  const majors = [...byMajor.keys()].sort((a, b) => a - b);
  const newest = byMajor.get(majors[majors.length - 1] ?? 0);
  if (newest === undefined) throw new Error("a setting without a major");
  const older = majors.slice(0, -1).flatMap((major) => {
    const entry = byMajor.get(major);
    return entry === undefined || JSON.stringify(entry) === JSON.stringify(newest)
      ? []
      : [[String(major), entry] as const];
  });
  return {
    ...newest,
    ...(majors.length < allMajors.length && { majors }),
    ...(older.length > 0 && { differs: Object.fromEntries(older) }),
  };
}

/** Sorted by name, and formatted like the rest of the code: a change of one setting is a change of its lines only. */
function write(majors: readonly number[], settings: ReadonlyMap<string, SettingEntry>): void {
  const sorted = [...settings].sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(target, JSON.stringify({ majors, settings: Object.fromEntries(sorted) }));
  execFileSync("npx", ["biome", "format", "--write", target], { stdio: ["ignore", "ignore", "inherit"] });
}

function main(): void {
  const majors = Object.keys(packages).map(Number);
  const found = new Map<string, Map<number, Entry>>();
  inTemporaryDirectory((directory) => {
    for (const major of majors) {
      const rows = readPgSettings(installServer(major, directory), directory);
      console.log(`PostgreSQL ${major}: ${rows.length} settings`);
      for (const row of rows) found.set(row.name, (found.get(row.name) ?? new Map()).set(major, entryOf(row)));
    }
  });
  const settings = new Map([...found].map(([name, byMajor]) => [name, merge(byMajor, majors)]));
  write(majors, settings);
  console.log(`wrote ${target}: ${settings.size} settings`);
}

main();
