import { Config, getProject } from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime";
import type { PostgresClusterArgs } from "../components/postgres/args";
import { nearest } from "../components/postgres/parameters/nearest";
import type { Problem } from "../components/postgres/problem";
import { clusterProblems } from "../components/postgres/validate";
import { SettingsError } from "../components/settings-error";
import { settingNames, settingsSchema } from "./schema";

/** What is wrong with the form of a setting, as {@link settingsSchema} found it. */
interface FormIssue {
  code: string;
  message: string;
  path: PropertyKey[];
  keys?: string[];
  values?: unknown[];
}

function formProblems(issue: FormIssue, raw: Record<string, string>): Problem[] {
  const [setting, ...rest] = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const known = setting === undefined ? settingNames : fieldsOf(setting, rest);
    return (issue.keys ?? []).map((key) => ({
      setting: [...issue.path.map(String), key].join("."),
      asked: setting === undefined ? (raw[key] ?? "") : key,
      why: "there is no setting of this name",
      fix: `${nearest(key, known) ? `did you mean ${nearest(key, known)}? Known` : "known"}: ${known.join(", ")}`,
    }));
  }
  const choices = issue.values?.map(String).join(", ");
  return [
    {
      setting: [setting, ...rest].join("."),
      asked: raw[setting ?? ""] ?? "",
      why: choices ? "is not one of the choices" : issue.message,
      fix: choices ? `use one of: ${choices}` : `see docs/settings.md for ${setting}`,
    },
  ];
}

function fieldsOf(setting: string, path: string[]): string[] {
  if (setting === "updateStrategy") return ["type", "partition"];
  if (setting === "roles") return ["name", "memberOf"];
  if (setting === "databases") return ["name", "owner"];
  if (setting === "extensions") return ["name", "database"];
  return path.length === 0 ? ["requests", "limits"] : ["cpu", "memory"];
}

/** Settings that are judged by another one: what that is, cannot be told while its form is wrong. */
const judgedBy = new Map([
  ["databases", ["roles", "user"]],
  ["extensions", ["databases", "database"]],
]);

/**
 * Turns raw settings (text, as configuration holds it) into the component's arguments, together with every problem
 * found in their form and in their meaning. A setting with a wrong form is judged no further, nor is one that refers to it.
 */
export function parseSettings(raw: Record<string, string>): { args: PostgresClusterArgs; problems: Problem[] } {
  const parsed = settingsSchema.safeParse(raw);
  if (parsed.success) return { args: parsed.data, problems: clusterProblems(parsed.data) };
  const problems = parsed.error.issues.flatMap((issue) => formProblems(issue, raw));
  const broken = new Set(problems.map(({ setting }) => setting.split(".")[0]));
  const isJudged = (name: string): boolean => ![name, ...(judgedBy.get(name) ?? [])].some((one) => broken.has(one));
  const wellFormed = Object.fromEntries(Object.entries(raw).filter(([name]) => isJudged(name)));
  const args = settingsSchema.parse(wellFormed);
  return { args, problems: [...problems, ...clusterProblems(args)] };
}

/**
 * The settings of the current stack.
 * @throws SettingsError listing every problem, before anything is registered.
 */
export function readSettings(): PostgresClusterArgs {
  const prefix = `${getProject()}:`;
  const own = Object.entries(allConfig()).filter(([key]) => key.startsWith(prefix));
  const { args, problems } = parseSettings(
    Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])),
  );
  if (problems.length > 0) throw new SettingsError(problems);
  return args;
}

/** The stack's choice of a Kubernetes cluster, by the provider's own settings; without one, kubectl's current context. */
export function kubernetesSettings(): { kubeconfig?: string; context?: string } {
  const config = new Config("kubernetes");
  const kubeconfig = config.get("kubeconfig");
  const context = config.get("context");
  return { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}
