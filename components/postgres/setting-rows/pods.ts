import {
  defaultResources,
  podManagementPolicies,
  type ResourceQuantities,
  type Resources,
  type UpdateStrategy,
  updateStrategies,
  withDefaults,
  workloads,
} from "../args";
import { mostReplicasWithoutRestart } from "../parameters/sizing";
import { code, limits } from "../setting-limits";
import type { SettingRow } from "./row";

const defaults = withDefaults({});
const short = ({ cpu, memory }: ResourceQuantities): string => code(`${cpu}/${memory}`);
const byWorkload = (part: keyof Resources): string =>
  `by \`workload\`: ${workloads.map((workload) => short(defaultResources[workload][part])).join(", ")}`;

/** The pods and the servers in them. */
export const podRows = {
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
} satisfies Record<string, SettingRow | Record<keyof Resources, SettingRow> | Record<keyof UpdateStrategy, SettingRow>>;
