import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Progress } from "../local/progress";
import { home } from "../local/tools/home";
import { LocalError } from "../local/tools/run";
import type { Findings, Part } from "./findings";
import { machineWords } from "./machine";
import { parts } from "./parts";
import { emptyReport, plots, verdicts, withSection } from "./report";

const docs = join(__dirname, "..", "docs");
const report = join(docs, "bench.md");

/** Raw figures of each part, outside the checkout. */
const rawFolder = join(home(), "bench");

async function measure({ name, title, measure }: Part, progress: Progress): Promise<void> {
  const machine = machineWords();
  const findings = await progress.step(`measure ${name}`, measure);
  const found: Findings = { part: name, title, at: new Date().toISOString(), machine, findings };
  write(found);
  for (const line of verdicts(found)) console.log(`  ${line}`);
}

function write(found: Findings): void {
  mkdirSync(rawFolder, { recursive: true });
  writeFileSync(join(rawFolder, `${found.part}.json`), `${JSON.stringify(found, null, 2)}\n`);
  mkdirSync(join(docs, "bench"), { recursive: true });
  for (const [file, plot] of Object.entries(plots(found))) writeFileSync(join(docs, "bench", file), plot);
  const text = existsSync(report) ? readFileSync(report, "utf8") : emptyReport;
  const order = parts.map(({ name }) => name);
  writeFileSync(report, withSection(text, found, order));
}

/** Measures the named parts, or all. Returns the exit code: a part that could not be measured fails the run. */
async function main(asked: readonly string[]): Promise<number> {
  const known = parts.map(({ name }) => name);
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new LocalError(`no part ${unknown.join(", ")}: there are ${known.join(", ")}`);
  const wanted = parts.filter(({ name }) => asked.length === 0 || asked.includes(name));
  const progress = new Progress();
  progress.plan(...wanted.map(({ name }) => `measure ${name}`));
  const failed: string[] = [];
  for (const part of wanted) {
    await measure(part, progress).catch((error: unknown) => {
      failed.push(part.name);
      console.error(error instanceof LocalError ? error.message : error);
    });
  }
  if (failed.length > 0) console.error(`NOT MEASURED: ${failed.join(", ")}. The report keeps what it had of them.`);
  else console.log(`Report: ${report}; raw figures: ${rawFolder}`);
  return failed.length > 0 ? 1 : 0;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof LocalError ? error.message : error);
    process.exit(1);
  },
);
