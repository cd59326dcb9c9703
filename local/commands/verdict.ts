import { readFileSync } from "node:fs";
import { readProblems } from "../../components/postgres/problem";
import type { Verdict } from "../../components/postgres/verdict/types";
import { refusal, verdictOf } from "../../components/postgres/verdict/verdict";
import type { CommandLine } from "../arguments";
import { UsageError } from "../pulumi/errors";
import { LocalError } from "../tools/run";
import { documentOf, verdictExitCodes } from "../verdict/document";
import { plannedChanges } from "../verdict/plan";
import { readPlan } from "../verdict/step";

/** Shows what a plan of Pulumi's own CLI would do. */
export async function verdict({ stack, plan, format }: CommandLine): Promise<void> {
  if (plan === undefined) {
    throw new UsageError(
      "npm run verdict needs a plan: pulumi preview --json >plan.json, then npm run verdict -- --stack NAME --plan plan.json.",
    );
  }
  const judged = judge(stack, read(plan), plan);
  console.log(documentOf(judged, format));
  process.exitCode = verdictExitCodes[judged.outcome];
}

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new LocalError(`The plan ${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

function judge(stack: string, text: string, file: string): Verdict {
  const plan = readPlan(text);
  if (plan === undefined) {
    throw new LocalError(`${file} is no plan. Make it with: pulumi preview --stack ${stack} --json >plan.json`);
  }
  const problems = plan.errors.flatMap(readProblems);
  if (problems.length > 0) return refusal(stack, problems);
  if (plan.errors.length > 0) {
    throw new LocalError(`The preview failed, so nothing can be said about it:\n${plan.errors.join("\n")}`);
  }
  return verdictOf(stack, plannedChanges(plan));
}
