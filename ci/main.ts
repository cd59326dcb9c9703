import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { marker } from "../local/verdict/markdown";
import { HostError, hostOf } from "./host";
import { conclusion, driftMarkerOf, lacksVerdict, type PreviewResult, reportBody } from "./report";

const usage = `npm run ci:report -- --stack NAME --code CODE [options]
  --stack NAME          the stack that was previewed
  --code CODE           how npm run preview ended
  --verdict FILE        what it wrote to standard output (--format markdown)
  --words FILE          what it wrote to standard error
  --to WHERE            comment (on the pull or merge request), drift (an issue), none; default none
  --allow-destructive   changes that destroy do not fail the job

Exit codes: 0 fine, 1 the preview or the report failed, 2 wrong command line.`;

interface Options extends PreviewResult {
  to: string;
  allowDestructive: boolean;
}

/** The text of a file; empty where there is none. @throws HostError for what is no file, or cannot be read. */
function textOf(option: string, file: string | undefined): string {
  if (file === undefined || !existsSync(file)) return "";
  if (statSync(file).isDirectory())
    throw new HostError(`--${option} ${file}: is a folder. Name the file that the preview's output was written to.`);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new HostError(`--${option} ${file}: cannot be read (${error instanceof Error ? error.message : error}).`);
  }
}

/** Undefined where the command line is not understood. @throws HostError for files that cannot be read. */
function read(args: string[]): Options | undefined {
  const text = { type: "string" } as const;
  try {
    const options = { stack: text, code: text, verdict: text, words: text, to: text };
    const { values } = parseArgs({ args, options: { ...options, "allow-destructive": { type: "boolean" } } });
    const { stack, code, to = "none" } = values;
    if (stack === undefined || !/^\d+$/.test(code ?? "") || !["comment", "drift", "none"].includes(to))
      return undefined;
    const files = { verdict: textOf("verdict", values.verdict), words: textOf("words", values.words) };
    return { stack, code: Number(code), ...files, to, allowDestructive: values["allow-destructive"] ?? false };
  } catch (error) {
    if (error instanceof HostError) throw error;
    return undefined;
  }
}

async function tell(options: Options): Promise<string | undefined> {
  const { stack, code, to } = options;
  if (to === "none") return undefined;
  const host = hostOf(process.env);
  if (to === "comment") return host.comment(marker(stack), reportBody(options));
  // Neither that the stack drifts is known then, nor that it does not.
  if (lacksVerdict(options)) return undefined;
  const drift = driftMarkerOf(stack);
  if (code === 0) return host.closeIssue?.(drift);
  return host.openIssue?.(drift, `Stack ${stack} is not what its settings say`, reportBody(options, drift));
}

async function main(args: string[]): Promise<number> {
  const options = read(args);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  const body = reportBody(options);
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary) appendFileSync(summary, body);
  console.log(body);
  const { ok, line } = conclusion(options, options.allowDestructive);
  const told = await tell(options);
  console.log(told === undefined ? line : `${line} (${told})`);
  // A stack that drifts is a failed check even where its changes would do no harm.
  return ok && (options.to !== "drift" || options.code === 0) ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof HostError ? error.message : error);
    process.exitCode = 1;
  },
);
