import { Config, getProject } from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime";
import type { PostgresClusterArgs } from "../components/postgres/args";
import { type Problem, when } from "../components/postgres/problem";
import { clusterProblems } from "../components/postgres/validate";
import { SettingsError } from "../components/settings-error";
import { formProblems } from "./form";
import { settingsSchema } from "./schema";

/** Settings that are judged by others: what they are, cannot be told while those cannot be read. */
const judgedBy = new Map([
  ["encryption", ["cloud", "storageClassName"]],
  ["roles", ["user"]],
  ["databases", ["roles", "user", "database"]],
  ["extensions", ["databases", "database", "parameters"]],
  ["resources", ["workload"]],
  ["parameters", ["resources", "workload"]],
  ["acknowledge", ["image", "database", "user"]],
  ["tls", ["image"]],
  ["synchronousReplicas", ["replicas"]],
  ["recoverPrimaryFrom", ["replicas"]],
  ["updateStrategy", ["replicas"]],
]);

/** Whether a setting, and all that it is judged by, can be read. A setting that is not judged counts as one that cannot be. */
function isJudged(name: string, broken: ReadonlySet<string | undefined>): boolean {
  return !broken.has(name) && (judgedBy.get(name) ?? []).every((other) => isJudged(other, broken));
}

/**
 * Turns raw settings (text, as configuration holds it) into the component's arguments, together with every problem
 * found in their form and in their meaning. A setting with a wrong form is judged no further, nor is one that refers to it.
 */
export function parseSettings(raw: Record<string, string>): { args: PostgresClusterArgs; problems: Problem[] } {
  const parsed = settingsSchema.safeParse(raw);
  if (parsed.success) return { args: parsed.data, problems: clusterProblems(parsed.data) };
  const problems = formProblems(parsed.error.issues, raw);
  const broken = new Set(problems.map(({ setting }) => setting.split(".")[0]));
  const wellFormed = Object.fromEntries(Object.entries(raw).filter(([name]) => isJudged(name, broken)));
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
  const all = [...problems, ...keyMakerProblems(args)];
  if (all.length > 0) throw new SettingsError(all);
  return args;
}

/** The key is made by Pulumi's default provider for AWS: it alone heeds all of a stack's `aws:` configuration. */
function keyMakerProblems({ encryption }: PostgresClusterArgs): Problem[] {
  const disabled = new Config("pulumi").get("disable-default-providers") ?? "";
  return when(encryption?.createKey === true && /"\s*(\*|aws)\s*"/.test(disabled), {
    setting: "encryption.createKey",
    asked: "true",
    why: `The key is made by Pulumi's default provider for AWS, and pulumi:disable-default-providers (${disabled}) forbids it.`,
    fix: 'Name the other providers there instead of "*" and "aws", or make a key by hand and set encryption.keyId to its ARN.',
  });
}

/** The stack's choice of a Kubernetes cluster, by the provider's own settings; without one, kubectl's current context. */
export function kubernetesSettings(): { kubeconfig?: string; context?: string } {
  const config = new Config("kubernetes");
  const kubeconfig = config.get("kubeconfig");
  const context = config.get("context");
  return { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}
