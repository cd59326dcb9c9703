import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { home } from "../local/tools/home";

/** A run of all tiers on this machine in which nothing failed. */
export interface WholeRun {
  /** When it ended, as ISO 8601 has it. */
  at: string;
  /** Whether all tools had to be built first; else none had. */
  cold: boolean;
  seconds: number;
  /** Seconds of each tier. */
  tiers: Record<string, number>;
}

const file = (): string => join(home(), "bench", "runs.json");

/** The last whole run that found all tools, and the last one that found none of them. */
export function recordedRuns(): WholeRun[] {
  return existsSync(file()) ? JSON.parse(readFileSync(file(), "utf8")) : [];
}

/** Takes the place of the one before of its kind. The benchmark's report tells how long they took. */
export function recordRun(run: WholeRun): void {
  const others = recordedRuns().filter(({ cold }) => cold !== run.cold);
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(file(), `${JSON.stringify([...others, run], null, 2)}\n`);
}
