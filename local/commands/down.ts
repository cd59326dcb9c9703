import { existsSync } from "node:fs";
import type { ClusterSpec } from "../../components/postgres/spec";
import type { CommandLine } from "../arguments";
import { releaseVolumes, startNode } from "../node";
import { npmLine } from "../npm-line";
import { Progress } from "../progress";
import { clusterKey } from "../pulumi/cluster-choice";
import { destroy, openStack, type ResolvedStack, resolveStack } from "../pulumi/deploy";
import { stackPaths } from "../pulumi/paths";
import { forgetPlace } from "../pulumi/place";
import { Kubernetes } from "../pulumi/pods/kubernetes";
import { takeSnapshot } from "../pulumi/pods/pod-watch";
import { LocalError } from "../tools/run";
import { catchInterrupts } from "./interrupts";
import { deployTools, kubectlFor, kubectlLine } from "./prepare";

/** Deletes a stack, and its data only when asked to. */
export async function down({ stack, cluster, volumes }: CommandLine): Promise<void> {
  const resolved = resolveStack({ stack, cluster });
  const progress = new Progress();
  progress.line(resolved.explanations[0] ?? "");
  const { checkpoint } = stackPaths(stack, clusterKey(resolved.cluster));
  const elsewhere = resolved.cluster.kind === "current" && process.env.PULUMI_BACKEND_URL;
  if (!elsewhere && !existsSync(checkpoint)) {
    console.log(`\nStack ${stack} was never deployed on this cluster: nothing to delete.`);
    return;
  }
  if (resolved.cluster.kind === "embedded") await startNode(progress);
  const open = await openStack(resolved, await deployTools(resolved, progress));
  const { release, ...signals } = catchInterrupts((line) => progress.line(line));
  const say = (line: string): void => progress.line(line);
  const { changes, keptVolumes, place } = await progress
    .step(`delete stack ${stack}`, (note) => destroy(open, { ...signals, say, note }, volumes))
    .finally(release);
  const headline = changes.length === 0 ? `Stack ${stack} was already gone.` : `Stack ${stack} is gone.`;
  if (volumes && place === undefined) {
    console.log(`\n${headline} It is not known where data of it could be: nothing else was deleted.`);
  } else if (volumes) {
    const { done, left } = await progress.step("delete its data", () => deleteData(resolved));
    forgetPlace(open.workspace.paths);
    console.log([`\n${headline} ${done}`, ...left].join("\n"));
  } else {
    if (keptVolumes === false) forgetPlace(open.workspace.paths);
    console.log(`\n${headline} ${dataLine(stack, keptVolumes)}`);
  }
}

/** What became of the data. That follows from what was deployed: settings may have changed since. */
function dataLine(stack: string, kept: boolean | undefined): string {
  if (kept === false) return "Its data went with it, since it was deployed with keepVolumes: false.";
  const which = kept ? "Its data stays" : "Data that it kept, if there is any, stays";
  const back = `${npmLine("up", stack)} brings it back, with new passwords and a new certificate authority`;
  return `${which}: ${back}; ${npmLine("down", stack, "--volumes")} deletes it.`;
}

/** Deletes claims and, where we made them, volumes and their content. Returns, for people, what is done and what is left to do. */
async function deleteData(resolved: ResolvedStack): Promise<{ done: string; left: string[] }> {
  const { cluster, spec } = resolved;
  const { namespace, names } = spec;
  const embedded = cluster.kind === "embedded";
  if (embedded) await releaseVolumes(spec.storageClassName);
  const kubectl = kubectlFor(resolved);
  if (kubectl === undefined) {
    const what = [
      ...(embedded ? [] : [`kubectl delete pvc -n ${namespace} -l app.kubernetes.io/instance=${names.statefulSet}`]),
      `kubectl delete configmap -n ${namespace} ${names.latchConfigMap}`,
    ];
    throw new LocalError(`kubectl is not installed, and the rest can only be deleted with it: ${what.join("; ")}`);
  }
  const kubernetes = await Kubernetes.connect(kubectl);
  try {
    const left = embedded ? [] : await deleteClaims(kubernetes, spec).catch(withWayOut);
    const done = left.length === 0 ? "Its data is deleted." : "Its claims are deleted.";
    await deleteLatch(kubernetes, spec);
    const stays = spec.createNamespace && (await kubernetes.get(`/api/v1/namespaces/${namespace}`)) !== undefined;
    if (stays) {
      const command = kubectlLine(resolved, ["delete", "namespace", namespace]);
      left.push(`Namespace ${namespace} stays. When nothing else is in it: ${command}`);
    }
    return { done, left };
  } finally {
    kubernetes.close();
  }
}

function withWayOut(error: Error): never {
  throw new LocalError(
    `The stack is gone, but its data is not: ${error.message}.\n` +
      "Run the same command again with rights to delete PersistentVolumeClaims and ConfigMaps in its namespace.",
  );
}

async function deleteClaims(kubernetes: Kubernetes, spec: ClusterSpec): Promise<string[]> {
  const { namespace, names } = spec;
  const target = { namespace, statefulSet: names.statefulSet };
  const { claims } = await takeSnapshot(kubernetes, target, true);
  for (const { name } of claims) {
    await kubernetes.remove(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`);
  }
  const kept = claims.map(({ volume }) => volume).filter((volume) => volume !== "");
  if (kept.length === 0 || !spec.keepVolumes) return [];
  return [
    `The cluster keeps the disks of this class (Retain). When nobody needs them: kubectl delete pv ${kept.join(" ")}`,
  ];
}

/** It says that the cluster once had data; beside empty volumes the primary would refuse to start. */
async function deleteLatch(kubernetes: Kubernetes, { namespace, names }: ClusterSpec): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${names.latchConfigMap}`;
  await kubernetes.remove(path).catch(() => undefined);
  if ((await kubernetes.get(path)) === undefined) return;
  throw new LocalError(
    `The data is deleted, but ConfigMap ${names.latchConfigMap} is not: a new primary would take its empty volume for ` +
      `a loss. Delete it: kubectl delete configmap -n ${namespace} ${names.latchConfigMap}`,
  );
}
