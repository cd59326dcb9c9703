import { readdirSync, readFileSync } from "node:fs";
import { processStartTime } from "../node/processes";
import { sleep } from "../tools/run";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  pid: number;
  /** Start time in clock ticks since boot; "" on systems without /proc. */
  startTime: string;
}

/** Names a running process. */
export const processId = (pid: number): ProcessId => ({ pid, startTime: processStartTime(pid) ?? "" });

/** Whether that very process still runs. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  if (startTime !== "") return processStartTime(pid) === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a pid, which may have been recycled, belongs to a program of this name now. Without /proc: whether it lives. */
export function isProgram(pid: number, name: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name && processStartTime(pid) !== undefined;
  } catch {
    return process.platform !== "linux" && isAlive({ pid, startTime: "" });
  }
}

/** Ends a process by SIGINT, which Pulumi takes as "cancel and save"; by SIGKILL when it has not ended in time. */
export async function endProcess(target: ProcessId, graceMs = 10_000): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (isAlive(target)) process.kill(target.pid, name);
    } catch {
      // It ended in between.
    }
  };
  signal("SIGINT");
  const deadline = Date.now() + graceMs;
  while (isAlive(target) && Date.now() < deadline) await sleep(50);
  signal("SIGKILL");
  for (let tries = 0; isAlive(target) && tries < 100; tries += 1) await sleep(20);
}

/**
 * Processes started by a path in this folder whose parent is gone: plugins of a killed engine. None on systems
 * without /proc.
 */
export function orphansOf(folder: string): ProcessId[] {
  let pids: number[];
  try {
    pids = readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 1);
  } catch {
    return [];
  }
  return pids.filter((pid) => isOrphanOf(pid, folder)).map(processId);
}

function isOrphanOf(pid: number, folder: string): boolean {
  try {
    const [command = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
    return command.startsWith(folder) && parent === "1";
  } catch {
    return false;
  }
}
