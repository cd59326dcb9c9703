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
      annotations: { ...scannerExceptions, ...(partition > 0 && heldRollout(spec)) },
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
 * By itself the provider waits until every pod has the newest revision (provider/pkg/await/statefulset.go, 4.25), which a
 * canary never has: ten minutes, and an error. This waits for ready pods of any revision.
 */
const heldRollout = ({ replicas }: ClusterSpec): Record<string, string> => ({
  "pulumi.com/waitFor": `jsonpath={.status.readyReplicas}=${replicas}`,
});

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
