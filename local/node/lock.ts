import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalError, until } from "../tools/run";
import { processStartTime } from "./processes";
import { runFolder } from "./settings";

const file = join(runFolder, "lock");

/** Runs `work` while no other process of this machine starts or stops the node. Waits up to ten minutes for its turn. */
export async function withNodeLock<T>(work: () => Promise<T>): Promise<T> {
  if (!(await until(take, 600_000, 200))) {
    throw new LocalError(
      `Another process (${holder()}) is still starting or stopping the node. Wait for it, or end it.`,
    );
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(): boolean {
  // Each time, for the one who had the lock may have removed the folder.
  mkdirSync(runFolder, { recursive: true });
  try {
    writeFileSync(file, `${process.pid} ${processStartTime(process.pid)}`, { flag: "wx" });
    return true;
  } catch {
    const [pid = "0", startTime] = holder().split(" ");
    // The holder was killed before it could give the lock back.
    if (startTime !== undefined && processStartTime(Number(pid)) !== startTime) rmSync(file, { force: true });
    return false;
  }
}

function holder(): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
