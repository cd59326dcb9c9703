import { existsSync } from "node:fs";
import type { CommandLine } from "../arguments";
import { releaseVolumes, startNode } from "../node";
import { Progress } from "../progress";
import { clusterKey } from "../pulumi/cluster-choice";
import { destroy, openStack, type ResolvedStack, resolveStack } from "../pulumi/deploy";
import { stackPaths } from "../pulumi/paths";
import { Kubernetes } from "../pulumi/pods/kubernetes";
import { takeSnapshot } from "../pulumi/pods/pod-watch";
import { LocalError } from "../tools/run";
import { catchInterrupts } from "./interrupts";
import { deployTools, kubectlFor } from "./prepare";

/** Deletes a stack, and its data only when asked to. */
export async function down({ stack, cluster, volumes }: CommandLine): Promise<void> {
  const resolved = resolveStack({ stack, cluster });
  const { spec } = resolved;
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
  const { changes } = await progress
    .step(`delete stack ${stack}`, (note) => destroy(open, { ...signals, say, note }))
    .finally(release);
  const headline = changes.length === 0 ? `Stack ${stack} was already gone.` : `Stack ${stack} is gone.`;
  if (volumes) {
    const left = await progress.step("delete its data", () => deleteData(resolved));
    const done = left.length === 0 ? "Its data is deleted." : "Its claims are deleted.";
    console.log([`\n${headline} ${done}`, ...left].join("\n"));
  } else {
    const kept = spec.keepVolumes
      ? "Its data stays: npm run up brings it back, npm run down -- --volumes deletes it."
      : "Its data went with it, since keepVolumes is false.";
    console.log(`\n${headline} ${kept}`);
  }
}

/** Deletes claims and, where we made them, volumes and their content. Returns what is left to do, for people. */
async function deleteData(resolved: ResolvedStack): Promise<string[]> {
  const { cluster, spec } = resolved;
  if (cluster.kind === "embedded") {
    await releaseVolumes(spec.storageClassName);
    return [];
  }
  const kubectl = kubectlFor(resolved);
  if (kubectl === undefined) {
    throw new LocalError(
      `The claims can only be deleted with kubectl: kubectl delete pvc -n ${spec.namespace} -l app.kubernetes.io/instance=${spec.names.statefulSet}`,
    );
  }
  const kubernetes = await Kubernetes.connect(kubectl);
  try {
    const target = {
      namespace: spec.namespace,
      statefulSet: spec.names.statefulSet,
      storageClass: spec.storageClassName,
      storageSize: spec.storageSize,
    };
    const { claims } = await takeSnapshot(kubernetes, target, true);
    for (const { name } of claims) {
      await kubernetes.remove(`/api/v1/namespaces/${spec.namespace}/persistentvolumeclaims/${name}`);
    }
    const kept = claims.map(({ volume }) => volume).filter((volume) => volume !== "");
    if (kept.length === 0 || !spec.keepVolumes) return [];
    return [
      `The cluster keeps the disks of this class (Retain). When nobody needs them: kubectl delete pv ${kept.join(" ")}`,
    ];
  } finally {
    kubernetes.close();
  }
}
