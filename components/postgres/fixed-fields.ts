import type { types } from "@pulumi/kubernetes";
import type { Problem } from "./problem";
import { parseBytes } from "./quantity";
import type { ClusterSpec } from "./spec";
import { type ClassKind, keySuffix, kindsOfClass, ownKeySuffix } from "./storage-class";

/** What a StatefulSet keeps for as long as it lives. */
export interface FixedFields {
  podManagementPolicy: string;
  /** The class its claims ask for. */
  storageClassName: string;
  /** What its claims asked for when it was made, a Kubernetes quantity. */
  storageSize: string;
}

/**
 * Fields that an update of the StatefulSet leaves alone. Kubernetes cannot change them, so Pulumi would delete the
 * StatefulSet to make another: all pods at once, and without `keepVolumes` the data with them.
 */
export const fixedFields = ["spec.podManagementPolicy", "spec.volumeClaimTemplates"];

/** Whether a StatefulSet is not what a new one would be. */
export function isOutgrown(spec: ClusterSpec, live: FixedFields): boolean {
  return fixedFieldProblems(spec, live).length > 0 || !isSameSize(spec.storageSize, live.storageSize);
}

function isSameSize(one: string, other: string): boolean {
  const [a, b] = [parseBytes(one), parseBytes(other)];
  return a.ok && b.ok && a.value === b.value;
}

/** The fields as the cluster has them; undefined where it does not tell. */
export function fixedFieldsOf(live: types.output.apps.v1.StatefulSetSpec): FixedFields | undefined {
  const claim = live.volumeClaimTemplates[0]?.spec;
  const size = claim?.resources.requests.storage;
  if (claim === undefined || size === undefined) return undefined;
  const { podManagementPolicy } = live;
  return { podManagementPolicy, storageClassName: claim.storageClassName, storageSize: size };
}

/** Settings that ask a StatefulSet which exists for other fields than the ones it keeps. */
export function fixedFieldProblems(spec: ClusterSpec, live: FixedFields): Problem[] {
  return [
    ...sizeProblems(spec, live),
    ...storageClassProblems(spec, live.storageClassName),
    ...policyProblems(spec, live),
  ];
}

/** How a new cluster is had, for those who use the component by itself. */
export const newCluster =
  "For a new cluster use a stack of its own, and move the data there, for example with pg_dump.";

/** Volumes grow and never shrink, and a StatefulSet's claims were never smaller than its template. */
function sizeProblems({ storageSize, namespace, names }: ClusterSpec, live: FixedFields): Problem[] {
  const [asked, has] = [parseBytes(storageSize), parseBytes(live.storageSize)];
  if (!asked.ok || !has.ok || asked.value >= has.value) return [];
  return [
    {
      setting: "storageSize",
      asked: storageSize,
      why: `StatefulSet ${namespace}/${names.statefulSet} was made with volumes of ${live.storageSize}, and volumes cannot shrink.`,
      fix: `Set it back to ${live.storageSize}, or to what the claims have if they grew since. ${newCluster}`,
    },
  ];
}

function policyProblems({ podManagementPolicy, namespace, names }: ClusterSpec, live: FixedFields): Problem[] {
  if (podManagementPolicy === live.podManagementPolicy) return [];
  return [
    {
      setting: "podManagementPolicy",
      asked: podManagementPolicy,
      why:
        `StatefulSet ${namespace}/${names.statefulSet} was made with ${live.podManagementPolicy} and keeps it: ` +
        "another one would have to take its place, and all pods would stop together.",
      fix:
        `Set it back to ${live.podManagementPolicy}: it only decides the order in which pods start. Where all may stop: ` +
        "deploy keepVolumes: true if it is false, delete the stack (its data stays), and deploy it again with the new value.",
    },
  ];
}

/**
 * Settings that ask for another class than the one a cluster's volumes were made with.
 * @param has the class of the volumes.
 */
export function storageClassProblems(spec: ClusterSpec, has: string): Problem[] {
  if (spec.storageClassName === has) return [];
  const why = `The volumes were made with StorageClass ${has}. Neither they nor the StatefulSet can change it to ${spec.storageClassName}.`;
  const problem = (setting: string, asked: string, back: string): Problem => ({
    setting,
    asked,
    why,
    fix: `${back} ${newCluster}`,
  });
  const { cloud, workload } = spec;
  const makers = kindsOfClass(spec, has);
  const [maker] = makers;
  if (spec.storageClass === undefined) {
    const key = maker?.key ? ` ${keyBack(maker, has)}` : "";
    const back = maker === undefined ? `Set it back to ${has}.` : `Leave storageClassName out.${key}`;
    return [problem("storageClassName", spec.storageClassName, back)];
  }
  const asked = keySuffix(spec.encryption);
  if (maker === undefined) {
    const without = asked === "" ? "" : ", and leave encryption out";
    return [problem("storageClassName", "", `Set it back to ${has}${without}.`)];
  }
  const problems: Problem[] = [];
  const cloudsBefore = [...new Set(makers.map((maker) => maker.cloud))];
  const workloadsBefore = makers.map((maker) => maker.workload);
  if (!cloudsBefore.includes(cloud))
    problems.push(problem("cloud", cloud, `Set it back to ${cloudsBefore.join(" or ")}.`));
  if (!workloadsBefore.includes(workload)) {
    const more = "For more CPU and memory on the same disks set resources instead.";
    problems.push(problem("workload", workload, `Set it back to ${workloadsBefore.join(" or ")}. ${more}`));
  }
  if (maker.key !== asked) problems.push(problem(...askedKey(spec), keyBack(maker, has)));
  return problems;
}

function askedKey({ encryption: { createKey, keyId } }: ClusterSpec): [setting: string, asked: string] {
  if (createKey) return ["encryption.createKey", "true"];
  return keyId === undefined ? ["encryption", ""] : ["encryption.keyId", keyId];
}

/** How the key of a class is asked for. */
function keyBack({ key }: ClassKind, className: string): string {
  if (key === "") return "Leave encryption out: the volumes have the key that the cloud gives.";
  if (key === ownKeySuffix) return "Set encryption back to createKey: true.";
  return `Set encryption.keyId back to the key that is in StorageClass ${className}.`;
}
