import { namespaceMark } from "./names";
import type { ClusterSpec } from "./spec";

/** AWS's longest: so long a key that was deleted can be taken back, and with it all that it encrypted. */
const deletionWindowInDays = 30;

/**
 * The KMS key of a cluster's volumes. Its policy is the one that AWS gives without another: who may use it is said by IAM.
 * The tags say what it is for, and let a policy of IAM name it before it exists.
 */
export function ownKey({ name, namespace }: ClusterSpec) {
  return {
    description: `Volumes of PostgreSQL ${namespace}/${name}`,
    enableKeyRotation: true,
    deletionWindowInDays,
    tags: {
      "app.kubernetes.io/managed-by": "pulumi",
      [namespaceMark]: `${namespace}/${name}`,
    },
  };
}

/**
 * Start of the alias' name. An account has each name once in a region, for all its Kubernetes clusters and for keys that
 * outlived theirs: AWS's provider adds what makes it unique.
 */
export const aliasPrefix = ({ name, namespace }: ClusterSpec): string => `alias/${namespace}-${name}-`;
