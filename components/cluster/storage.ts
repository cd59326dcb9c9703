import * as core from "@pulumi/kubernetes/core/v1";
import * as storage from "@pulumi/kubernetes/storage/v1";
import * as pulumi from "@pulumi/pulumi";
import { claimName, fixedClaimFields, persistentVolumeClaim, smallerThanAsked } from "../postgres/claims";
import type { ClusterSpec } from "../postgres/spec";
import { storageClass } from "../postgres/storage-class";
import type { Place } from "./place";

/** None where the namespace is somebody else's. */
export function createNamespace({ parent, childName }: Place, spec: ClusterSpec): core.Namespace[] {
  if (!spec.createNamespace) return [];
  const metadata = { name: spec.namespace, labels: spec.namespaceLabels };
  // Deleting a namespace deletes the claims in it, whatever their own retention says.
  const options = { parent, retainOnDelete: spec.keepVolumes, protect: spec.protect };
  return [new core.Namespace(childName("namespace"), { metadata }, options)];
}

/**
 * None where an existing class is used.
 * @param key the key that was made for the volumes, if any.
 */
export function createStorageClass(
  { parent, childName }: Place,
  spec: ClusterSpec,
  key: pulumi.Output<string> | undefined,
): storage.StorageClass[] {
  if (!spec.storageClass) return [];
  const options = {
    parent,
    // Immutable in Kubernetes, yet the provider would try to update it in place.
    replaceOnChanges: ["volumeBindingMode"],
    // Immutable, too, and only for disks that are not made yet: `keepVolumes` could not change on a live cluster.
    ignoreChanges: ["reclaimPolicy"],
  };
  const args = storageClass(spec.storageClass, spec.labels, key);
  return [new storage.StorageClass(childName("storage-class"), args, options)];
}

/** Always retained: pods that are taken away leave theirs, and with `keepVolumes: false` the StatefulSet takes them along. */
export function createClaims(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): core.PersistentVolumeClaim[] {
  return Array.from({ length: spec.replicas }, (_, ordinal) => {
    const options = { parent, dependsOn, retainOnDelete: true, ignoreChanges: fixedClaimFields };
    const args = persistentVolumeClaim(spec, ordinal);
    const claim = new core.PersistentVolumeClaim(childName(`claim-${ordinal}`), args, options);
    sayUngrown(spec, ordinal, claim);
    return claim;
  });
}

/** Growing is the driver's work, and goes on after Pulumi has asked for it. */
function sayUngrown(spec: ClusterSpec, ordinal: number, claim: core.PersistentVolumeClaim): void {
  if (pulumi.runtime.isDryRun()) return;
  claim.status.apply(async (status) => {
    const has = smallerThanAsked(spec.storageSize, status?.capacity?.storage);
    if (has === undefined) return;
    const name = claimName(spec, ordinal);
    const watch = `kubectl get pvc -n ${spec.namespace} ${name}`;
    const words = `${name} asks for ${spec.storageSize} and had ${has} when it was last read; its driver grows it. See: ${watch}`;
    await pulumi.log.warn(words, claim);
  });
}
