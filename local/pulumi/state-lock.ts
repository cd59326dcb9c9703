import { readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { at, parseJson, textAt } from "../tools/json";
import { LocalError } from "../tools/run";
import { isProgram } from "./processes";

/** A lock of Pulumi's file backend. */
export interface StateLock {
  file: string;
  pid: number;
  host: string;
}

/** Whether a lock's owner still works; one that was killed leaves its lock behind. */
export function isStale(lock: StateLock, thisHost: string, works: (pid: number) => boolean): boolean {
  return lock.host === thisHost && !works(lock.pid);
}

function readLocks(folder: string): StateLock[] {
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  } catch {
    return [];
  }
  return files.flatMap((name) => {
    const file = join(folder, name);
    try {
      const value = parseJson(readFileSync(file, "utf8"));
      const pid = at(value, "pid");
      return [{ file, pid: typeof pid === "number" ? pid : 0, host: textAt(value, "hostname") ?? "" }];
    } catch {
      return [];
    }
  });
}

/**
 * Removes the locks that killed engines left in our own file backend, and says so.
 * @throws LocalError when an engine that is not ours holds one.
 */
export function releaseStaleLocks(folder: string, say: (line: string) => void): void {
  for (const lock of readLocks(folder)) {
    if (!isStale(lock, hostname(), (pid) => isProgram(pid, "pulumi"))) {
      throw new LocalError(
        `The stack's state is locked by Pulumi, process ${lock.pid} on ${lock.host}. Wait until it ends, then start again.`,
      );
    }
    rmSync(lock.file, { force: true });
    rmSync(`${lock.file}.attrs`, { force: true });
    say(`Released the lock of an engine that was killed (process ${lock.pid}).`);
  }
}
