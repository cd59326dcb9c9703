import {
  type AcknowledgeArgs,
  clouds,
  defaultResources,
  type PostgresClusterArgs,
  podManagementPolicies,
  type ResourceQuantities,
  type Resources,
  type UpdateStrategy,
  updateStrategies,
  withDefaults,
  workloads,
} from "./args";
import type { ChangeEffects } from "./effects";
import { mostReplicasWithoutRestart } from "./parameters/sizing";
import { code, limits } from "./setting-limits";

/** One setting: what it is, what it may be, and what changing it does. Texts are Markdown and say nothing twice. */
export interface SettingRow extends ChangeEffects {
  readonly meaning: string;
  readonly default: string;
  /** What is accepted, as words or as a list of choices; everything else stops the preview. */
  readonly limits: string | readonly string[];
  /** What there is to know about a change beside its effect. */
  readonly change?: string;
}

type Nested = "resources" | "updateStrategy" | "acknowledge";

/** Every setting has its row: one that is added to the args does not compile without. */
interface SettingRows extends Record<Exclude<keyof PostgresClusterArgs, Nested>, SettingRow> {
  resources: Record<keyof Resources, SettingRow>;
  updateStrategy: Record<keyof UpdateStrategy, SettingRow>;
  acknowledge: Record<keyof AcknowledgeArgs, SettingRow>;
}

const defaults = withDefaults({});
const short = ({ cpu, memory }: ResourceQuantities): string => code(`${cpu}/${memory}`);
const byWorkload = (part: keyof Resources): string =>
  `by \`workload\`: ${workloads.map((workload) => short(defaultResources[workload][part])).join(", ")}`;
const keepsClass = "Volumes keep their class: choose it for a new cluster.";
const addsOnly = "Made while the primary runs. Taking an entry out drops nothing.";
const once = "Opens that one change; once deployed, it can be taken out.";
const anotherCluster = "It would be a new, empty cluster beside the old one.";

export const settingRows: SettingRows = {
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
  image: {
    meaning: "image with PostgreSQL's binaries and bash",
    default: code(defaults.image),
    limits: limits.image,
    effect: "restart",
    otherwise: [{ effect: "refused", when: "for another major of PostgreSQL, without `acknowledge.major`" }],
    change: "Another major does not read the data.",
  },
  replicas: {
    meaning: "number of pods: one primary, the rest replicas",
    default: code(defaults.replicas),
    limits: "whole number from 1",
    effect: "scale",
    otherwise: [
      {
        effect: "restart",
        when: `beyond ${mostReplicasWithoutRestart}, at every fifth more: \`max_wal_senders\` grows`,
      },
    ],
    change: "Volumes of removed pods stay.",
  },
  synchronousReplicas: {
    meaning: "how many replicas must have a commit on disk before it is acknowledged",
    default: code(defaults.synchronousReplicas),
    limits: "whole number from 0 to `replicas` - 2",
    effect: "reload",
    change:
      "Raise `replicas` first, then this; lower this first, then `replicas`: in one step commits wait for pods that are not there.",
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
  database: {
    meaning: "the app's database, made at the first start",
    default: code(defaults.database),
    limits: limits.database,
    effect: "refused",
    otherwise: [{ effect: "restart", when: "with `acknowledge.database`" }],
    change: "Further ones are made by `databases`.",
  },
  user: {
    meaning: "the app's role, made at the first start; owns the database, is not a superuser",
    default: code(defaults.user),
    limits: limits.user,
    effect: "refused",
    otherwise: [{ effect: "restart", when: "with `acknowledge.user`" }],
    change: "Further ones are made by `roles`.",
  },
  roles: {
    meaning: "login roles beside `user`, each with a generated password: a list of `{name, memberOf}`",
    default: "none",
    limits: limits.roles,
    effect: "reload",
    change: addsOnly,
  },
  databases: {
    meaning: "databases beside `database`: a list of `{name, owner}`",
    default: "none",
    limits: limits.databases,
    effect: "reload",
    change: addsOnly,
  },
  extensions: {
    meaning: "extensions that the image has: a list of `{name, database}`",
    default: "none",
    limits: limits.extensions,
    effect: "reload",
    change: `${addsOnly} ${code("pg_stat_statements")} and others need ${code("parameters.shared_preload_libraries")}.`,
  },
  resources: {
    requests: {
      meaning: "CPU and memory that each pod asks for",
      default: byWorkload("requests"),
      limits: "`cpu` and `memory`, each at most its limit",
      effect: "restart",
    },
    limits: {
      meaning: "CPU and memory that each pod may use; PostgreSQL's memory settings follow it",
      default: byWorkload("limits"),
      limits: limits.resourceLimits,
      effect: "restart",
    },
  },
  parameters: {
    meaning: "settings of postgresql.conf on top of the computed ones",
    default: "none",
    limits: "those of each parameter",
    effect: "reload",
    otherwise: [
      { effect: "restart", when: "where PostgreSQL needs one" },
      { effect: "refused", when: "for those that the component owns" },
    ],
  },
  podManagementPolicy: {
    meaning: "whether pods start one by one or all at once",
    default: code(defaults.podManagementPolicy),
    limits: podManagementPolicies,
    effect: "refused",
    change: "A StatefulSet keeps it, and another one would stop all pods together.",
  },
  updateStrategy: {
    type: {
      meaning: "whether Kubernetes restarts changed pods, or waits until you delete them",
      default: code(defaults.updateStrategy.type),
      limits: updateStrategies,
      effect: "none",
      change: "Pods that wait for an update and may have it now are restarted.",
    },
    partition: {
      meaning: "only pods with this ordinal or a higher one are updated: a canary",
      default: code(defaults.updateStrategy.partition),
      limits: "whole number from 0 to `replicas`; 0 with `OnDelete`",
      effect: "none",
      change: "Pods that wait for an update and may have it now are restarted. What needs no restart reaches all pods.",
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
  passwordGeneration: {
    meaning: "raise it to renew the passwords",
    default: code(defaults.passwordGeneration),
    limits: "whole number from 1",
    effect: "reload",
    change: "Any change renews them, a lower number too. New sessions need the new password, open ones go on.",
  },
  recoverPrimaryFrom: {
    meaning: "after the primary's volume was lost: the replica to build it again from",
    default: "none",
    limits: "ordinal of a replica: from 1 to `replicas` - 1",
    effect: "reload",
    change: "Heeded only while the primary's volume is empty.",
  },
  acknowledge: {
    major: {
      meaning: "after the volumes were upgraded by hand: the major version of PostgreSQL that the data is of",
      default: "none",
      limits: "that of `image`",
      effect: "none",
      change: once,
    },
    database: {
      meaning: "after the app's database was renamed in SQL: its new name",
      default: "none",
      limits: "that of `database`",
      effect: "none",
      change: once,
    },
    user: {
      meaning: "after the app's role was renamed in SQL: its new name",
      default: "none",
      limits: "that of `user`",
      effect: "none",
      change: once,
    },
  },
  runAsUser: {
    meaning: "numeric user of the server's processes; the image must know it",
    default: code(defaults.runAsUser),
    limits: limits.numericId,
    effect: "restart",
  },
  runAsGroup: {
    meaning: "numeric group of the server's processes and of the volume",
    default: code(defaults.runAsGroup),
    limits: limits.numericId,
    effect: "restart",
  },
};

/** All rows by setting, those of nested settings as `resources.limits`. */
export function allSettingRows(): [setting: string, row: SettingRow][] {
  const isRow = (value: SettingRow | Record<string, SettingRow>): value is SettingRow =>
    typeof value.effect === "string";
  const rows: [string, SettingRow | Record<string, SettingRow>][] = Object.entries(settingRows);
  return rows.flatMap(([setting, value]) =>
    isRow(value)
      ? [[setting, value]]
      : Object.entries(value).map(([field, row]): [string, SettingRow] => [`${setting}.${field}`, row]),
  );
}
