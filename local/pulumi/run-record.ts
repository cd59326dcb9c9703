import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { at, listAt, parseJson, textAt } from "../tools/json";
import { LocalError } from "../tools/run";
import { writeWhole } from "../tools/whole-file";
import { endProcess, isAlive, type ProcessId, processId } from "./processes";

/** A command that is changing a stack now, or was when it was killed. */
export interface RunRecord {
  /** `up` or `down`. */
  command: string;
  owner: ProcessId;
  /** Engines it started. */
  engines: ProcessId[];
  /** Other programs it started, which only ever read. */
  helpers: ProcessId[];
  /** ISO time. */
  since: string;
}

/** What to do about the record that an earlier run left. */
export type RunDecision =
  | { action: "start" }
  /** The other run lives. */
  | { action: "refuse"; record: RunRecord }
  /** The other run was killed; these engines and helpers of it still work. */
  | { action: "take over"; record: RunRecord; orphans: ProcessId[]; helpers: ProcessId[] };

/** Decides on an earlier run's record. */
export function decideRun(record: RunRecord | undefined, alive: (id: ProcessId) => boolean): RunDecision {
  if (record === undefined) return { action: "start" };
  if (alive(record.owner)) return { action: "refuse", record };
  return {
    action: "take over",
    record,
    orphans: record.engines.filter(alive),
    helpers: record.helpers.filter(alive),
  };
}

function readProcess(value: unknown): ProcessId | undefined {
  const pid = at(value, "pid");
  const startTime = textAt(value, "startTime");
  return typeof pid === "number" && startTime !== undefined ? { pid, startTime } : undefined;
}

/** The record in a file; undefined where there is none or it was cut off in writing. */
export function readRecord(file: string): RunRecord | undefined {
  try {
    const value = parseJson(readFileSync(file, "utf8"));
    const owner = readProcess(at(value, "owner"));
    const [command, since] = [textAt(value, "command"), textAt(value, "since")];
    if (owner === undefined || command === undefined || since === undefined) return undefined;
    const processes = (key: string): ProcessId[] =>
      listAt(value, key)
        .map(readProcess)
        .filter((found) => found !== undefined);
    return { command, owner, since, engines: processes("engines"), helpers: processes("helpers") };
  } catch {
    return undefined;
  }
}

/** Holds the right to change a stack, from {@link beginRun} until {@link end}. */
export class Run {
  constructor(
    private readonly file: string,
    private record: RunRecord,
  ) {
    this.write();
  }

  /** Notes an engine, so that a later run finds it when this one is killed. */
  engineStarted(pid: number): void {
    this.record = { ...this.record, engines: [...this.record.engines, processId(pid)] };
    this.write();
  }

  engineEnded(pid: number): void {
    this.record = { ...this.record, engines: this.record.engines.filter((engine) => engine.pid !== pid) };
    this.write();
  }

  /** Notes a program that is of no use without this run. */
  helperStarted(pid: number): void {
    this.record = { ...this.record, helpers: [...this.record.helpers, processId(pid)] };
    this.write();
  }

  end(): void {
    rmSync(this.file, { force: true });
  }

  private write(): void {
    writeWhole(this.file, JSON.stringify(this.record));
  }
}

/**
 * Takes the right to change a stack. What a killed run left running is ended first, and said.
 * @throws LocalError naming the other run, when one lives.
 */
export async function beginRun(file: string, command: string, say: (line: string) => void): Promise<Run> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const decision = decideRun(readRecord(file), isAlive);
  if (decision.action === "refuse") {
    const { command: other, owner, since } = decision.record;
    throw new LocalError(
      `This stack is being changed by another run: ${other}, process ${owner.pid}, since ${since}.\n` +
        "Wait until it ends, or end it with Ctrl-C in its terminal; then start again.",
    );
  }
  if (decision.action === "take over") {
    const { command: other, since } = decision.record;
    say(`An earlier ${other} (started ${since}) was killed; continuing from where it stopped.`);
    for (const orphan of decision.orphans) {
      say(`Its engine still runs (process ${orphan.pid}): ending it.`);
      await endProcess(orphan);
    }
    for (const helper of decision.helpers) await endProcess(helper, 0);
  }
  return new Run(file, {
    command,
    owner: processId(process.pid),
    engines: [],
    helpers: [],
    since: new Date().toISOString(),
  });
}
