import type { Problem } from "../../components/postgres/problem";
import { parseBytes } from "../../components/postgres/quantity";
import type { ClusterSpec } from "../../components/postgres/spec";

/** A claim that has its volume. */
export interface DeployedClaim {
  name: string;
  /** What it asks for, a Kubernetes quantity, for example "10Gi". */
  size: string;
  /** What its volume has; undefined where that is not told. Less than `size` while it grows, or when it could not. */
  capacity?: string | undefined;
  storageClass: string;
}

/**
 * A size that the claims cannot have: volumes never shrink, and grow only where their class can expand them.
 * @param claims those that have a volume.
 * @param expandable names of the StorageClasses that can expand volumes.
 */
export function resizing(
  { storageSize, namespace }: ClusterSpec,
  claims: readonly DeployedClaim[],
  expandable: readonly string[],
  wayOut: string,
): Problem[] {
  const wanted = parseBytes(storageSize);
  if (!wanted.ok) return [];
  const larger = claims.filter((claim) => shrinks(claim, wanted.value));
  if (larger.length > 0) {
    return [
      {
        setting: "storageSize",
        asked: storageSize,
        why: `In namespace ${namespace} the cluster's data lies on ${listed(larger)}. Volumes cannot shrink.`,
        fix: `Set it back to ${sizeOf(larger, "the size of the largest")}. ${wayOut}`,
      },
    ];
  }
  const fixed = claims.filter(({ size, storageClass }) => {
    const has = parseBytes(size);
    return has.ok && has.value < wanted.value && !expandable.includes(storageClass);
  });
  if (fixed.length === 0) return [];
  const classes = [...new Set(fixed.map(({ storageClass }) => storageClass))].join(", ");
  return [
    {
      setting: "storageSize",
      asked: storageSize,
      why:
        `In namespace ${namespace} the cluster's data lies on ${listed(fixed)}. StorageClass ${classes} cannot grow ` +
        "volumes: it has no allowVolumeExpansion.",
      fix:
        `Set it back to ${sizeOf(fixed, "the size of the smallest")}. Where the class is your own and its ` +
        `driver can grow volumes, set allowVolumeExpansion on the class, and run this again. ${wayOut}`,
    },
  ];
}

/** A request may go back only after a growth that failed, and only to more than the volume has. */
function shrinks({ size, capacity }: DeployedClaim, wanted: number): boolean {
  const [asks, has] = [parseBytes(size), parseBytes(capacity ?? size)];
  return asks.ok && has.ok && wanted < asks.value && wanted <= has.value;
}

const listed = (claims: readonly DeployedClaim[]): string =>
  claims.map(({ name, size }) => `${name} (${size})`).join(", ");

/** The size of all claims where they have the same, else `otherwise`. */
function sizeOf(claims: readonly DeployedClaim[], otherwise: string): string {
  const bytes = claims.map(({ size }) => parseBytes(size)).map((reading) => (reading.ok ? reading.value : 0));
  return new Set(bytes).size > 1 ? otherwise : (claims[0]?.size ?? otherwise);
}
