import { execFileSync } from "node:child_process";
import { readdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repetitions } from "../repetitions";

/** PostgreSQL's programs: the highest version that Debian has installed here. */
export const programs = join("/usr/lib/postgresql", highestVersion(), "bin");

/**
 * Where volumes lie: in memory when there is room, for a kill of processes loses nothing of the page cache either way,
 * and a busy disk would only make the tests slow.
 */
export const inMemory =
  statfsSync("/dev/shm").bavail * statfsSync("/dev/shm").bsize > 4 * 1024 ** 3 ? "/dev/shm" : tmpdir();

/** Long repetitions (kill matrices) take their number from KILLS. */
export const kills = repetitions("KILLS", 6);

export const scripts = process.env.SCRIPTS ?? join(__dirname, "../../components/postgres/scripts");
/** Every pod's server listens here, on an address of its own. */
export const port = 5440;

function highestVersion(): string {
  const versions = readdirSync("/usr/lib/postgresql").filter((name) => /^\d+$/.test(name));
  return String(Math.max(...versions.map(Number)));
}

function postgresIds(): { uid: number; gid: number } {
  const [, , uid, gid] = execFileSync("getent", ["passwd", "postgres"], { encoding: "utf8" }).split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** Debian's user postgres. */
export const ids = postgresIds();
