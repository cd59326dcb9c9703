import { startsWith, valueAt } from "./difference";
import type { PodChanges, PropertyPath, ResourceChange } from "./types";

/** What a plan does to pods, and what is needed to say so. */
export interface PodsVerdict extends PodChanges {
  /** Number of pods before and after; undefined where the plan does not tell. */
  before: number | undefined;
  after: number | undefined;
  /** Whether the template that pods are made from changes. */
  templateChanges: boolean;
  /** Whether the template's image changes: a node may have to pull it. */
  imageChanges: boolean;
  /** Whether the pods that are added are another, empty cluster: with another name or namespace they find other volumes. */
  anotherCluster: boolean;
  /** The primary's name. */
  primary: string;
}

/** What a plan does to the pods of the cluster; with another name there are two StatefulSets, one that goes and a new one. */
export function podsVerdict(changes: readonly ResourceChange[]): PodsVerdict {
  const sets = changes.filter(({ kind }) => kind === "StatefulSet");
  const made = sets.find(({ change }) => change === "create");
  const other = sets.find(({ change }) => change !== "create");
  if (other?.change !== "delete" || made === undefined) return podsOf(other ?? made);
  return { ...podsOf(other), added: podsOf(made).added, anotherCluster: true };
}

/** @param set the change of the StatefulSet; undefined where it does not change. */
function podsOf(set: ResourceChange | undefined): PodsVerdict {
  const name = set?.name.split("/").at(-1) ?? "postgres";
  const before = numberAt(set?.before, "spec", "replicas");
  const after = numberAt(set?.after, "spec", "replicas");
  const touches = (...start: PropertyPath): boolean => set?.paths.some((path) => startsWith(path, ...start)) ?? false;
  // A difference of everything below `spec` is one of the template, too.
  const wholeSpec = set?.paths.some((path) => path.length === 1 && path[0] === "spec") ?? false;
  const base: PodsVerdict = {
    ...{ added: [], removed: [], restarted: [], perhaps: [], held: [] },
    ...{ before, after, primary: `${name}-0`, templateChanges: wholeSpec || touches("spec", "template") },
    imageChanges: touches("spec", "template", "spec", "containers", 0, "image"),
    anotherCluster: false,
  };
  const pods = (from: number, to: number): string[] =>
    Array.from({ length: Math.max(0, to - from) }, (_, index) => `${name}-${from + index}`);
  switch (set?.change) {
    case undefined:
    case "keep":
      return base;
    case "create":
      return { ...base, added: pods(0, after ?? 0) };
    case "delete":
      return { ...base, removed: pods(0, before ?? 0).reverse() };
    case "replace":
      return {
        ...base,
        removed: pods(0, before ?? 0).reverse(),
        added: pods(0, after ?? 0),
        anotherCluster: touches("metadata", "namespace") || touches("metadata", "name"),
      };
    case "update": {
      const [old, now] = [before ?? after ?? 0, after ?? before ?? 0];
      const staying = pods(0, Math.min(old, now)).reverse();
      return { ...base, added: pods(old, now), removed: pods(now, old).reverse(), ...updated(set, staying, base) };
    }
  }
}

/** Which of the pods that stay are restarted, the highest ordinal first: so the primary is the last. */
function updated(set: ResourceChange, staying: string[], { templateChanges }: PodsVerdict): Partial<PodsVerdict> {
  const [old, now] = [strategy(set.before), strategy(set.after)];
  const allowed = (pod: string): boolean => !now.onDelete && ordinal(pod) >= now.partition;
  if (templateChanges) {
    const held = staying.filter((pod) => !allowed(pod));
    return {
      restarted: staying.filter(allowed),
      held,
      heldBy: held.length === 0 ? undefined : now.onDelete ? "OnDelete" : "partition",
    };
  }
  const released = staying.filter((pod) => allowed(pod) && (old.onDelete || ordinal(pod) < old.partition));
  const waiting = podsThatWait(set.live);
  if (waiting === 0) return {};
  return waiting !== undefined && waiting === released.length && !old.onDelete
    ? { restarted: released }
    : { perhaps: released };
}

const ordinal = (pod: string): number => Number(pod.slice(pod.lastIndexOf("-") + 1));

function strategy(inputs: unknown): { onDelete: boolean; partition: number } {
  return {
    onDelete: valueAt(inputs, "spec", "updateStrategy", "type") === "OnDelete",
    partition: numberAt(inputs, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0,
  };
}

/** How many pods are not of the newest revision; undefined where the status is older than the last change. */
function podsThatWait(live: unknown): number | undefined {
  const generation = numberAt(live, "metadata", "generation");
  if (generation === undefined || generation !== numberAt(live, "status", "observedGeneration")) return undefined;
  const [pods, updatedPods] = [numberAt(live, "status", "replicas"), numberAt(live, "status", "updatedReplicas")];
  return pods === undefined ? undefined : pods - (updatedPods ?? 0);
}

function numberAt(tree: unknown, ...path: PropertyPath): number | undefined {
  const value = valueAt(tree, ...path);
  return typeof value === "number" ? value : undefined;
}
