import { clouds, type EncryptionArgs, withDefaults, workloads } from "../args";
import { code, limits } from "../setting-limits";
import type { SettingRow } from "./row";

const defaults = withDefaults({});
const keepsClass = "Volumes keep their class: choose it for a new cluster.";
const keepsKey = "Volumes keep their class, and so their key: choose it for a new cluster.";
const anotherCluster = "It would be a new, empty cluster beside the old one.";

/** Where a cluster lives, and on which volumes. */
export const placeRows = {
  cloud: {
    meaning: "where Kubernetes runs; decides the StorageClass",
    default: code(defaults.cloud),
    limits: clouds,
    effect: "refused",
    otherwise: [{ effect: "none", when: "with `storageClassName`" }],
    change: keepsClass,
  },
  workload: {
    meaning: "kind of use; decides the disk's type and the default `resources`",
    default: code(defaults.workload),
    limits: workloads,
    effect: "restart",
    otherwise: [
      { effect: "refused", when: "where the disk's type differs" },
      { effect: "reload", when: "with `resources` of its own and the same disk" },
    ],
    change: "Volumes keep their class; for more CPU and memory on them set `resources`.",
  },
  name: {
    meaning: "name of the StatefulSet, prefix of all other names",
    default: code(defaults.name),
    limits: limits.name,
    effect: "refused",
    change: anotherCluster,
  },
  namespace: {
    meaning: "where everything lives",
    default: code(defaults.namespace),
    limits: limits.namespace,
    effect: "refused",
    change: anotherCluster,
  },
  createNamespace: {
    meaning: "whether the program creates the namespace (Pod Security `restricted`)",
    default: `${code(true)}, unless the namespace is ${code(defaults.namespace)}`,
    limits: limits.boolean,
    effect: "none",
    otherwise: [
      {
        effect: "refused",
        when: "for a namespace that others made, and when it becomes `false` with `keepVolumes: false` deployed: the namespace would be deleted",
      },
    ],
    change: "`false` uses it as it is.",
  },
  storageSize: {
    meaning: "size of each volume; WAL settings follow it",
    default: code(defaults.storageSize),
    limits: limits.storageSize,
    effect: "grow",
    otherwise: [
      {
        effect: "refused",
        when: "for a smaller one, and where the class cannot expand volumes, as `on-premise`",
      },
    ],
    change: "Later pods have it, too.",
  },
  storageClassName: {
    meaning: "an existing StorageClass to use",
    default: "one is created for `cloud` and `workload`",
    limits: "`a-z`, `0-9`, `-`, `.`",
    effect: "refused",
    change: keepsClass,
  },
  encryption: {
    createKey: {
      meaning:
        "whether an own KMS key is made for the volumes; it rotates each year, and outlives the stack as they do",
      default: code(defaults.encryption.createKey),
      limits: `${limits.boolean}; on \`aws\` only, and without \`storageClassName\``,
      effect: "refused",
      change: keepsKey,
    },
    keyId: {
      meaning:
        "a key that exists: the ARN of a KMS key, the name of a key in Cloud KMS, the resource id of a disk encryption set",
      default: "the key that the cloud gives",
      limits: "a key of `cloud`; not `on-premise`, and without `storageClassName`",
      effect: "refused",
      change: keepsKey,
    },
  },
  keepVolumes: {
    meaning: "whether volumes and namespace outlive the stack",
    default: code(defaults.keepVolumes),
    limits: limits.boolean,
    effect: "none",
    change:
      "It holds once `up` has deployed it. Disks that exist keep their reclaim policy: claims deleted after a change to `false` leave theirs behind.",
  },
  protect: {
    meaning: "whether Pulumi refuses to delete or replace the cluster",
    default: code(defaults.protect),
    limits: limits.boolean,
    effect: "none",
  },
} satisfies Record<string, SettingRow | Record<keyof EncryptionArgs, SettingRow>>;
