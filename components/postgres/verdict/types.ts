import type { PostgresClusterArgs } from "../args";
import type { Effect } from "../effects";
import type { Problem } from "../problem";

/** How a resource changes. `keep`: the stack gives it up, and it stays in the cluster. */
export type Operation = "create" | "update" | "replace" | "delete" | "keep";

/** Keys and indexes that lead to a property, e.g. `["spec", "replicas"]`. */
export type PropertyPath = readonly (string | number)[];

/** One resource that a plan changes. */
export interface ResourceChange {
  change: Operation;
  /** E.g. `StatefulSet`. */
  kind: string;
  /** Name in the cluster, with the namespace where it has one; else the resource's name in the program. */
  name: string;
  /** The properties that differ; of an update or a replacement. */
  paths: readonly PropertyPath[];
  /** What the program asked for when it was deployed; undefined for a new one. */
  before?: unknown;
  /** What the program asks for now; undefined for one that goes. */
  after?: unknown;
  /** The object as the state has it, with the cluster's own fields. */
  live?: unknown;
  /** Whether it was found to be another in the cluster than what was deployed; undefined where nobody looked. */
  drifted?: boolean | undefined;
}

/** What is known of the settings of a plan. */
export type SettingsChange =
  | { known: "both"; before: PostgresClusterArgs; after: PostgresClusterArgs }
  /** They are the deployed ones. */
  | { known: "unchanged" }
  /** Nothing is deployed. */
  | { known: "new" }
  /** What is deployed comes from a version that did not note its settings, or from one whose settings are no longer understood. */
  | { known: "after" };

/** A plan, free of the engine that made it. */
export interface PlannedChanges {
  settings: SettingsChange;
  changes: readonly ResourceChange[];
  /** Resources that stay as they are. */
  unchanged: number;
  /** Resources of the stack that change and are no part of the cluster. */
  others: number;
  /** What the cluster has of this one's data; undefined where nobody looked. */
  data?: FoundData | undefined;
}

/** Data of a cluster, whether its pods run or not. */
export interface FoundData {
  /** Names of the claims that have a volume. */
  claims: readonly string[];
  /** Whether the ConfigMap that notes what the data is of is there: the pods were ready once. */
  recorded: boolean;
}

/** What a change does, as docs/settings.md has it; `replace` is what an object that cannot change in place needs. */
export type ChangeClass = Effect | "grow" | "replace";

/** A setting of postgresql.conf, or another value, that follows from a setting. */
export interface DerivedChange {
  name: string;
  before: string;
  after: string;
}

/** One setting that changes. */
export interface SettingVerdict {
  /** As one writes it, e.g. `resources.limits.memory`. */
  setting: string;
  before: string;
  after: string;
  class: ChangeClass;
  /** What there is to know beside the class. */
  note?: string | undefined;
  derived: DerivedChange[];
}

/** What happens to pods, each list in the order in which it happens. */
export interface PodChanges {
  added: string[];
  removed: string[];
  restarted: string[];
  /** Pods that restart if they wait for an earlier update; the plan cannot tell. */
  perhaps: string[];
  /** Pods that keep their old settings: `updateStrategy` holds them back. */
  held: string[];
  /** Why they are held. */
  heldBy?: "partition" | "OnDelete" | undefined;
}

/** What clients notice, in words. */
export interface Interruption {
  writers: string;
  readers: string;
}

export const riskLevels = ["none", "low", "medium", "high"] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** A resource that a person should know of. */
export interface ResourceVerdict {
  change: Operation;
  kind: string;
  name: string;
  /** The properties, as far as they say something. */
  properties: string[];
  /** Why it changes or what that does. */
  why: string;
}

/** What is lost when a plan is applied. */
export interface Loss {
  /** E.g. `StatefulSet postgres-prod/postgres is replaced`. */
  what: string;
  /** What becomes of the pods and of the data. */
  means: string;
}

/** `nothing` to change, `changes`, `destructive` ones, or `refused`: it is never applied. */
export type Outcome = "nothing" | "changes" | "destructive" | "refused";

/** What applying a plan will do. */
export interface Verdict {
  stack: string;
  outcome: Outcome;
  /** Nothing is deployed: all of it is made. */
  newCluster: boolean;
  /** What happens, the gravest first. */
  classes: ChangeClass[];
  risk: { level: RiskLevel; why: string };
  settings: SettingVerdict[];
  /** Why no settings are named although something changes; undefined where they are. */
  settingsUnknown?: string | undefined;
  pods: PodChanges;
  /** Claims that new pods find with a volume from before, and go on from its data; none where nobody looked. */
  foundClaims: string[];
  /** The primary's claim is made anew, though there was data; false where nobody looked. */
  primaryVolumeLost: boolean;
  interruption: Interruption;
  losses: Loss[];
  /** Resources that no setting explains, and those that are replaced or given up. */
  resources: ResourceVerdict[];
  /** All resources that change. */
  changes: { change: Operation; kind: string; name: string }[];
  unchanged: number;
  /** Resources of the stack that change and are no part of the cluster. */
  others: number;
  /** Why it is refused; empty otherwise. */
  problems: readonly Problem[];
}
