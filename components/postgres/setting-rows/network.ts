import { type NetworkPolicyArgs, withDefaults } from "../args";
import { code, limits } from "../setting-limits";
import type { SettingRow } from "./row";

const defaults = withDefaults({}).networkPolicy;

/** Who may connect. */
export const networkRows = {
  networkPolicy: {
    enabled: {
      meaning: "whether a NetworkPolicy closes the pods to all but `networkPolicy.clients`, and to all ports but 5432",
      default: code(defaults.enabled),
      limits: limits.boolean,
      effect: "none",
      change: "It holds where the network of the Kubernetes cluster enforces policies. Open sessions may stay.",
    },
    clients: {
      meaning:
        "which pods may connect: a list of `{namespace, namespaceLabels, podLabels}`; all that an entry says must hold",
      default: "all pods of `namespace`",
      limits: limits.clients,
      effect: "none",
      change: "Open sessions may stay, new ones are judged anew. `[]` is the cluster's own pods only.",
    },
  },
} satisfies Record<string, Record<keyof NetworkPolicyArgs, SettingRow>>;
