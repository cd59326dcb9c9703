import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { readProblems } from "../../components/postgres/problem";
import type { Verdict } from "../../components/postgres/verdict/types";
import { refusal, verdictOf } from "../../components/postgres/verdict/verdict";
import type { CommandLine } from "../arguments";
import { UsageError } from "../pulumi/errors";
import { projectName } from "../pulumi/paths";
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
  const judged = judge(stack, await read(plan), plan);
  console.log(documentOf(judged, format));
  process.exitCode = verdictExitCodes[judged.outcome];
}

async function read(file: string): Promise<string> {
  try {
    // Who writes to standard input may take its time.
    return file === "-" ? await text(process.stdin) : readFileSync(file, "utf8");
  } catch (error) {
    throw new LocalError(`The plan ${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

function judge(stack: string, written: string, file: string): Verdict {
  const plan = readPlan(written);
  if (plan === undefined) {
    throw new LocalError(`${file} is no plan. Make it with: pulumi preview --stack ${stack} --json >plan.json`);
  }
  const names = stack.split("/");
  const asked = names.at(-1) ?? stack;
  const project = names.length === 3 ? names[1] : projectName;
  for (const { urn } of plan.steps) {
    const [, ofStack = "", ofProject = ""] = /^urn:pulumi:(.*?)::(.*?)::/.exec(urn) ?? [];
    if (ofStack !== asked || ofProject !== project) {
      throw new LocalError(
        `${file} is a plan of stack ${ofStack} of project ${ofProject}, and not of ${asked} of ${project}. ` +
          `Make it with: pulumi preview --stack ${asked} --json >plan.json; or say which stack it is of, in another project ` +
          "as --stack ORGANIZATION/PROJECT/STACK.",
      );
    }
  }
  const problems = plan.errors.flatMap(readProblems);
  if (problems.length > 0) return refusal(stack, problems);
  if (plan.errors.length > 0) {
    throw new LocalError(`The preview failed, so nothing can be said about it:\n${plan.errors.join("\n")}`);
  }
  return verdictOf(stack, plannedChanges(plan));
}
