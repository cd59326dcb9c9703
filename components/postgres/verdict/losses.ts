import { valueAt } from "./difference";
import type { Loss, ResourceChange } from "./types";

/**
 * What is lost when a plan is applied: pods or data that go because the object that has them is deleted or replaced. This
 * is what "destructive" means everywhere; what the stack only gives up (`keep`) stays and is no loss.
 */
export function lossesOf(changes: readonly ResourceChange[]): Loss[] {
  return changes.flatMap((change) => {
    if (change.change !== "delete" && change.change !== "replace") return [];
    const means = meaning(change);
    const verb = change.change === "delete" ? "deleted" : "replaced";
    return means === undefined ? [] : [{ what: `${change.kind} ${change.name} is ${verb}`, means }];
  });
}

function meaning({ kind, change, before }: ResourceChange): string | undefined {
  switch (kind) {
    case "Namespace":
      return "all in it is deleted with it: pods, claims and data.";
    case "PersistentVolumeClaim":
      return "the data on it is lost, unless its volume is retained.";
    case "StatefulSet": {
      if (change === "replace" && keepsPods(before)) return undefined;
      const loses = valueAt(before, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") === "Delete";
      const stop = change === "delete" ? "all pods stop" : "all pods stop together and are made anew";
      return loses ? `${stop}; their claims and the data are deleted.` : `${stop}; the volumes and the data stay.`;
    }
    case "Key":
      return "volumes that it encrypts cannot be read any more once AWS has deleted it, in 30 days.";
    default:
      return undefined;
  }
}

/** Whether the provider leaves the pods behind when it deletes the StatefulSet. */
function keepsPods(inputs: unknown): boolean {
  return valueAt(inputs, "metadata", "annotations", "pulumi.com/deletionPropagationPolicy") === "orphan";
}
