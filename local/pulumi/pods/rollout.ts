import { ordinalOf, type Snapshot } from "./snapshot";

/** Pods that `updateStrategy` keeps on an older revision of the StatefulSet. */
export interface Rollout {
  /** Pods with the newest revision. */
  updated: string[];
  /** The others. */
  older: string[];
  /** Undefined with `OnDelete`. */
  partition: number | undefined;
}

/** Undefined where every pod has the newest revision, or the cluster does not tell. */
export function rolloutOf({ statefulSet, pods }: Snapshot): Rollout | undefined {
  if (statefulSet === undefined || !statefulSet.observed) return undefined;
  const { updateRevision, rolling, partition } = statefulSet;
  const named = (isNewest: boolean): string[] =>
    pods.filter(({ revision }) => (revision === updateRevision) === isNewest).map(({ name }) => name);
  const older = named(false);
  if (older.length === 0) return undefined;
  return { updated: named(true), older, partition: rolling ? partition : undefined };
}

/**
 * How far it is, and what to do next.
 * @param commands how the pods are deleted with kubectl, the change applied with this program.
 */
export function rolloutLines(
  { updated, older, partition }: Rollout,
  commands: { deletePod: (pod: string) => string; up: string },
): string[] {
  const how = `${updated.length} of ${updated.length + older.length} pods ${updated.length === 1 ? "runs" : "run"} the new revision`;
  const reason = partition === undefined ? "updateStrategy.type OnDelete" : `updateStrategy.partition ${partition}`;
  const which = updated.length === 0 ? "" : `: ${updated.join(", ")}`;
  const keep = older.length === 1 ? "keeps" : "keep";
  const [next = ""] = [...older].sort((one, other) => ordinalOf(other) - ordinalOf(one));
  return [
    `${how}${which}; ${older.join(", ")} ${keep} the older one, as ${reason} asks.`,
    partition === undefined
      ? `To go on: delete the older ones, replicas first, each when the one before is ready: ${commands.deletePod(next)}`
      : `To go on: set updateStrategy.partition to ${onwards(ordinalOf(next))}, and ${commands.up}.`,
    `To go back: set the changed settings back, and ${commands.up}.`,
  ];
}

const onwards = (next: number): string => (next === 0 ? "0" : `${next} for one more pod, or to 0 for all`);
