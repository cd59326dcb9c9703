import type { types } from "@pulumi/kubernetes";
import { claimSpec } from "./claims";
import { podTemplate } from "./pod";
import type { ClusterSpec } from "./spec";

/** The StatefulSet: stable names, one claim a pod, ordered start, replicas updated before the primary. */
export function statefulSet(spec: ClusterSpec): types.input.apps.v1.StatefulSet {
  const { type, partition } = spec.updateStrategy;
  return {
    metadata: {
      name: spec.names.statefulSet,
      namespace: spec.namespace,
      labels: { ...spec.labels },
      annotations: { ...scannerExceptions, ...completeRollout(spec) },
    },
    spec: {
      serviceName: spec.names.headlessService,
      replicas: spec.replicas,
      selector: { matchLabels: { ...spec.selector } },
      podManagementPolicy: spec.podManagementPolicy,
      updateStrategy: type === "RollingUpdate" ? { type, rollingUpdate: { partition } } : { type },
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: spec.keepVolumes ? "Retain" : "Delete",
        // A replica that comes back later continues from its own volume.
        whenScaled: "Retain",
      },
      template: podTemplate(spec),
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: spec.names.claim, labels: { ...spec.selector } },
          spec: claimSpec(spec),
        },
      ],
    },
  };
}

/** What kube-score would call critical and is meant so: docs/security.md, Scan report, has the reasons. */
const scannerExceptions = {
  "kube-score/ignore":
    "container-image-pull-policy,container-security-context-user-group-id,statefulset-has-host-podantiaffinity",
};

/**
 * What the provider waits for: every pod ready, and at least as many of the newest revision as the partition lets go (a
 * canary that goes back to the revision of the others may still be restarting). By itself the
 * provider (4.25) may take the state before the change for the state after it, because it does not ask whether the
 * controller has seen the change, and so be done before the first pod restarts (pulumi/pulumi-kubernetes pull request
 * 4094; our experiment: every second time or so); and it waits for a canary to become all pods until its ten minutes are
 * over. For these conditions it does ask.
 */
function completeRollout({ replicas, updateStrategy }: ClusterSpec): Record<string, string> {
  const { type, partition } = updateStrategy;
  // Nothing is updated until somebody deletes pods.
  if (type === "OnDelete") return {};
  const updated = replicas - partition;
  const conditions = [
    `jsonpath={.status.readyReplicas}=${replicas}`,
    // All of them where the revision is none that the partition holds back. The provider does not understand ">=".
    ...(updated > 0 ? [`jsonpath={$[?@.updatedReplicas > ${updated - 1}]}`] : []),
  ];
  return { "pulumi.com/waitFor": JSON.stringify(conditions) };
}

/**
 * Lets a drain take one pod at a time. `maxUnavailable` rather than `minAvailable`: with a single pod the latter
 * would block every drain of its node.
 */
export function podDisruptionBudget(spec: ClusterSpec): types.input.policy.v1.PodDisruptionBudget {
  return {
    metadata: { name: spec.names.podDisruptionBudget, namespace: spec.namespace, labels: { ...spec.labels } },
    spec: { maxUnavailable: 1, selector: { matchLabels: { ...spec.selector } } },
  };
}
