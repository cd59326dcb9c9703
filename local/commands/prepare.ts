import { existsSync } from "node:fs";
import { nodeStatus } from "../node";
import { npmLine } from "../npm-line";
import type { Progress } from "../progress";
import { kubectlArguments } from "../pulumi/cluster-choice";
import type { DeployTools, ResolvedStack } from "../pulumi/deploy";
import type { Kubectl } from "../pulumi/pods/kubernetes";
import { findCommand } from "../tools/debian";
import { LocalError } from "../tools/run";
import { ensureTools, toolPaths } from "../tools/tools";

/** kubectl for the chosen cluster: the one of the node's own version, or the user's. */
export function kubectlFor({ cluster }: ResolvedStack): Kubectl | undefined {
  const built = toolPaths().kubectl;
  const found = cluster.kind === "embedded" ? [built, findCommand("kubectl")] : [findCommand("kubectl"), built];
  const path = found.find((candidate) => candidate !== undefined && existsSync(candidate));
  return path === undefined ? undefined : { path, args: kubectlArguments(cluster) };
}

/** Builds Pulumi where it is missing. */
export async function deployTools(resolved: ResolvedStack, progress: Progress): Promise<DeployTools> {
  const { pulumi, kubernetesProvider } = await ensureTools(progress, ["pulumi"]);
  return { pulumi, kubernetesProvider, kubectl: kubectlFor(resolved) };
}

/** @throws LocalError when the stack is on the embedded node and that does not run. */
export async function demandCluster({ cluster, stack }: ResolvedStack): Promise<void> {
  if (cluster.kind !== "embedded") return;
  const { state } = await nodeStatus();
  if (state === "ready") return;
  const words = state === "stopped" ? "does not run" : "is not ready";
  throw new LocalError(
    `The embedded node ${words}, so there is nothing to compare the settings with. ` +
      `${npmLine("up", stack)} starts it; --cluster current uses a cluster of your own.`,
  );
}

/** A word of a command line, quoted where a shell needs it. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A command of kubectl on the chosen cluster as one line to paste. */
export function kubectlLine(resolved: ResolvedStack, command: readonly string[]): string {
  const kubectl = findCommand("kubectl") === undefined ? (kubectlFor(resolved)?.path ?? "kubectl") : "kubectl";
  return [kubectl, ...kubectlArguments(resolved.cluster), ...command].map(shellWord).join(" ");
}

/** One line to paste that opens psql on the primary. */
export function psqlLine(resolved: ResolvedStack): string {
  const { namespace, names, user, database } = resolved.spec;
  const psql = ["psql", "-U", user, "-d", database];
  return kubectlLine(resolved, ["exec", "-it", "-n", namespace, `${names.statefulSet}-0`, "--", ...psql]);
}

/** What a person runs to go on with a rollout that `updateStrategy` holds. */
export const rolloutCommands = (resolved: ResolvedStack) => ({
  deletePod: (pod: string) => kubectlLine(resolved, ["delete", "pod", "-n", resolved.spec.namespace, pod]),
  up: npmLine("up", resolved.stack),
});
