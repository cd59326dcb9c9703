import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { at, listAt, textAt } from "../local/tools/json";

const root = join(__dirname, "..");
const workflows = join(root, ".github", "workflows");

/** A job of GitHub's or GitLab's CI. */
export interface Job {
  /** `<workflow>/<job>`, or the name of the job. */
  name: string;
  /** The job as it is written, with what it extends. */
  job: unknown;
  /** The lines of its script. */
  lines: string[];
  /** Actions that it uses. */
  uses: string[];
}

const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null ? Object.entries(value) : [];

/** GitHub's workflows by their names. */
export function gitHubWorkflows(): Map<string, unknown> {
  const files = readdirSync(workflows).map((file): [string, unknown] => [
    file.replace(/\.yml$/, ""),
    parse(readFileSync(join(workflows, file), "utf8")),
  ]);
  return new Map(files);
}

/** The action that prepares the machine for a job on a cluster. */
export const prepareAction = (): unknown =>
  parse(readFileSync(join(root, ".github", "actions", "prepare", "action.yml"), "utf8"));

const stepsOf = (steps: unknown[]): Pick<Job, "lines" | "uses"> => ({
  lines: steps.flatMap((step) => joined(textAt(step, "run") ?? "")),
  uses: steps.map((step) => textAt(step, "uses")).filter((action) => action !== undefined),
});

/** Every job of GitHub's workflows, and the steps that prepare it as one more. */
export function gitHubJobs(): Job[] {
  const jobs = [...gitHubWorkflows()].flatMap(([file, workflow]) =>
    entriesOf(at(workflow, "jobs")).map(([name, job]) => ({
      name: `${file}/${name}`,
      job,
      ...stepsOf(listAt(job, "steps")),
    })),
  );
  const prepare = prepareAction();
  return [...jobs, { name: "prepare", job: prepare, ...stepsOf(listAt(prepare, "runs", "steps")) }];
}

/** GitLab's pipeline. */
export const gitLabPipeline = (): unknown => parse(readFileSync(join(root, ".gitlab-ci.yml"), "utf8"));

const reserved = ["stages", "default", "variables"];

/** Every job of GitLab's pipeline, without the templates. */
export function gitLabJobs(): Job[] {
  const pipeline = gitLabPipeline();
  return entriesOf(pipeline)
    .filter(([name]) => !reserved.includes(name) && !name.startsWith("."))
    .map(([name, own]) => {
      const job = extended(pipeline, own);
      const lines = [...listAt(job, "before_script"), ...listAt(job, "script")].map(String);
      return { name, job, lines, uses: [] };
    });
}

/** A job over the templates that it extends; what both have is the job's, as GitLab has it for lists. */
function extended(pipeline: unknown, job: unknown): object {
  const template = textAt(job, "extends");
  const below = template === undefined ? {} : extended(pipeline, at(pipeline, template));
  return { ...below, ...Object.fromEntries(entriesOf(job)) };
}

/** The lines of a script, those joined that a backslash joins. */
const joined = (script: string): string[] =>
  script
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
