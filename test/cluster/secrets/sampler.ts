import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";

// A program beside the test: it looks at every process of the machine, and at the files of a folder, again and again, and
// remembers all it saw, for the values are known only afterwards. Started by Sampling.

/** What is answered to the needles that the test sends. */
export interface Sampled {
  /** Where a needle was seen, and which. */
  hits: { where: string; needle: number }[];
  /** Programs that were seen. */
  programs: string[];
  /** How often everything was looked at. */
  looks: number;
}

const roundMs = 20;
/** A process this young may still become another program: it is looked at in each round. Rounds. */
const young = 50;
/** How often an older one is looked at, whose title may change. Rounds. */
const seldom = 50;
/** How often the folder is looked at. Rounds. */
const filesEvery = 3;

const [folder] = process.argv.slice(2);
const texts = new Map<string, string>();
const programs = new Set<string>();
/** Rounds in which a process was seen. */
const rounds = new Map<string, number>();
const files = new Map<string, string>();
/** Processes older than the values: their environment, which they got when they started, cannot have one. */
let elders: ReadonlySet<string> | undefined;

function remember(text: string, where: () => string): void {
  if (text !== "" && !texts.has(text)) texts.set(text, where());
}

/** Runs on where something has ended or was removed meanwhile. */
function unlessGone(work: () => void): void {
  try {
    work();
  } catch {
    // Nothing is left to be looked at.
  }
}

function lookAtProcess(pid: string): void {
  const program = (): string => readlinkSync(`/proc/${pid}/exe`).split("/").at(-1) ?? "";
  const named = (what: string) => (): string => `${what} of ${program()} (process ${pid})`;
  unlessGone(() => programs.add(program()));
  unlessGone(() => {
    const args = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    // A program of many names knows by its first argument which one it is.
    programs.add(basename(args.split("\0")[0] ?? ""));
    remember(args, named("arguments"));
  });
  if (elders === undefined || elders.has(pid)) return;
  unlessGone(() => remember(readFileSync(`/proc/${pid}/environ`, "latin1"), named("environment")));
}

function lookAtProcesses(): void {
  const pids = new Set(readdirSync("/proc").filter((name) => /^\d+$/.test(name)));
  for (const pid of pids) {
    const seen = rounds.get(pid) ?? 0;
    rounds.set(pid, seen + 1);
    if (seen < young || seen % seldom === 0) lookAtProcess(pid);
  }
  for (const pid of rounds.keys()) if (!pids.has(pid)) rounds.delete(pid);
  elders ??= pids;
}

function lookAtFiles(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const file = join(path, entry.name);
    // What tsx keeps there is this repository, compiled.
    if (entry.isDirectory() && !entry.name.startsWith("tsx-")) unlessGone(() => lookAtFiles(file));
    if (!entry.isFile()) continue;
    unlessGone(() => {
      const { size, mtimeMs, ino } = statSync(file);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (files.get(file) === version) return;
      files.set(file, version);
      remember(readFileSync(file, "latin1"), () => file);
    });
  }
}

let round = 0;
let looks = 0;
function look(): void {
  lookAtProcesses();
  if (round % filesEvery === 0) {
    if (folder !== undefined) unlessGone(() => lookAtFiles(folder));
    looks += 1;
  }
  round += 1;
}

look();
setInterval(look, roundMs);
process.on("message", (needles: string[]) => {
  const hits = [...texts].flatMap(([text, where]) =>
    needles.flatMap((needle, index) => (text.includes(needle) ? [{ where, needle: index }] : [])),
  );
  const answer: Sampled = { hits, programs: [...programs], looks };
  process.send?.(answer);
});
// It must not outlive the test.
process.on("disconnect", () => process.exit());
process.send?.("looking");
