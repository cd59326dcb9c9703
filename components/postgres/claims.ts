import type { types } from "@pulumi/kubernetes";
import { parseBytes } from "./quantity";
import type { ClusterSpec } from "./spec";

/** What each claim asks for. */
export function claimSpec(spec: ClusterSpec) {
  return {
    accessModes: ["ReadWriteOnce"],
    storageClassName: spec.storageClassName,
    resources: { requests: { storage: spec.storageSize } },
  };
}

/** Name of a pod's claim: the one that the StatefulSet looks for. */
export const claimName = ({ names }: ClusterSpec, ordinal: number): string =>
  `${names.claim}-${names.statefulSet}-${ordinal}`;

/**
 * The claim of one pod, made before the pod: the StatefulSet takes over a claim of that name. So a claim can grow, which
 * the StatefulSet's own template cannot, and a pod that is added later has the size of the others.
 */
export function persistentVolumeClaim(spec: ClusterSpec, ordinal: number): types.input.core.v1.PersistentVolumeClaim {
  return {
    metadata: {
      name: claimName(spec, ordinal),
      namespace: spec.namespace,
      labels: { ...spec.labels },
      annotations: {
        // A claim that outlived its stack, or that the StatefulSet made, has its size from another field manager.
        "pulumi.com/patchForce": "true",
        // The provider would wait for it to be Pending where the class binds with the pod: forever for one that is bound
        // (provider/pkg/await/awaiters.go, untilCoreV1PersistentVolumeClaimReady, 4.25).
        "pulumi.com/skipAwait": "true",
      },
    },
    spec: claimSpec(spec),
  };
}

/**
 * Fields that an update of a claim leaves alone: Kubernetes cannot change them, and Pulumi would make another claim. What
 * the StatefulSet keeps tells the person (fixed-fields.ts).
 */
export const fixedClaimFields = ["spec.accessModes", "spec.storageClassName"];

/** Where a claim is less than it asks for, what it has; undefined where it has all, or no volume yet. */
export function smallerThanAsked(asked: string, capacity: string | undefined): string | undefined {
  if (capacity === undefined) return undefined;
  const [wanted, has] = [parseBytes(asked), parseBytes(capacity)];
  return wanted.ok && has.ok && has.value < wanted.value ? capacity : undefined;
}
