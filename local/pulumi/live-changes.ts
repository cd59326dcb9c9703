import {
  type FixedFields,
  fixedFieldProblems,
  isOutgrown,
  storageClassProblems,
} from "../../components/postgres/fixed-fields";
import { majorOfImage } from "../../components/postgres/image";
import { namespaceMark, unmarkedNamespaceLabels } from "../../components/postgres/names";
import type { Problem } from "../../components/postgres/problem";
import { type DataRecord, recordProblems } from "../../components/postgres/record";
import type { ClusterSpec } from "../../components/postgres/spec";
import { npmLine } from "../npm-line";
import type { DeployedState } from "./deployed-state";
import type { PlannedChange } from "./engine-events";
import { type DeployedClaim, resizing } from "./resizing";

export type { DeployedClaim } from "./resizing";

/** What the Kubernetes cluster has of this one. */
export interface LiveCluster {
  /** Undefined where there is no StatefulSet. */
  fixedFields: FixedFields | undefined;
  /** Of the StatefulSet's pods. */
  image?: string | undefined;
  /** What the latch says of the data; it outlives `down`. Undefined where there is none: the pods were never ready. */
  record?: DataRecord | undefined;
  /** Those that have a volume. They outlive `down`, and so do the limits they set. */
  claims: readonly DeployedClaim[];
  /** Those that never got one: they follow the settings. */
  emptyClaims?: readonly DeployedClaim[];
  /** Names of the claims' StorageClasses that can grow a volume. */
  expandable?: readonly string[];
  /** The namespace that the program would make, where it is there already. */
  namespace?: LiveNamespace | undefined;
}

export interface LiveNamespace {
  labels: Readonly<Record<string, string>>;
}

const otherStack =
  "For a new cluster use a stack of its own: copy this stack's file to Pulumi.NAME.yaml, change it there, and run npm run up -- --stack NAME.";

/**
 * Settings that were right for a new cluster and are not for this one, because it exists already.
 * @param state what the last deployment left; undefined where there is none.
 * @param live undefined where the Kubernetes cluster cannot be read.
 * @param stack its name, for the commands to run.
 */
export function refusedChanges(
  spec: ClusterSpec,
  state: DeployedState | undefined,
  live: LiveCluster | undefined,
  stack: string,
): Problem[] {
  const renamed = recordProblems(spec, dataRecord(state, live), otherStack);
  // What follows from a name, as a class does, is no second mistake.
  const storage = renamed.some(({ setting }) => setting === "name" || setting === "namespace")
    ? []
    : [
        ...fixed(spec, state, live, stack),
        ...(state === undefined ? [] : [...ownClass(spec, state), ...lostNamespace(spec, state, stack)]),
        ...foreignNamespace(spec, state, live),
      ];
  return [...renamed, ...storage];
}

/** What a failed start left behind: it has no volume, asks for what is no longer wanted, and cannot change. */
export interface Unused {
  statefulSet: boolean;
  /** Names. */
  claims: readonly string[];
}

/** What stands in the way and can be made anew, because nothing is lost with it; undefined where nothing does. */
export function unusedParts(spec: ClusterSpec, live: LiveCluster | undefined): Unused | undefined {
  const fields = live?.fixedFields;
  const statefulSet = fields !== undefined && live?.claims.length === 0 && isOutgrown(spec, fields);
  const { storageClassName, storageSize } = spec;
  const claims = (live?.emptyClaims ?? [])
    .filter(({ storageClass, size }) => storageClass !== storageClassName || size !== storageSize)
    .map(({ name }) => name);
  return statefulSet || claims.length > 0 ? { statefulSet, claims } : undefined;
}

/** Settings that promise to keep the data, and are not deployed: what is deployed would delete it with the stack. */
export function refusedDeletion(
  { keepVolumes }: ClusterSpec,
  state: DeployedState | undefined,
  stack: string,
): Problem[] {
  if (!keepVolumes || state?.losesVolumes !== true) return [];
  return [
    {
      setting: "keepVolumes",
      asked: "true",
      why: "The stack was deployed with false, and true is not deployed yet: down would delete the volumes, and the data with them.",
      fix:
        `To keep the data: ${npmLine("up", stack)}, then down. ` +
        `To delete it: ${npmLine("down", stack, "--volumes")}.`,
    },
  ];
}

/** What the volumes and the StatefulSet keep. Without `live` it is what the state has of the StatefulSet. */
function fixed(
  spec: ClusterSpec,
  state: DeployedState | undefined,
  live: LiveCluster | undefined,
  stack: string,
): Problem[] {
  const wayOut =
    `Where the data is not needed, ${npmLine("down", stack, "--volumes")} deletes it, and any size can be chosen. ` +
    otherStack;
  const sizes = resizing(spec, live?.claims ?? [], live?.expandable ?? [], wayOut);
  const fields = live === undefined ? state?.fixedFields : live.fixedFields;
  // Without a volume there is nothing yet to be kept: see `unusedParts`.
  if (live !== undefined && live.claims.length === 0) return sizes;
  if (fields !== undefined) {
    const problems = fixedFieldProblems(spec, fields);
    return [...sizes, ...problems.filter(({ setting }) => sizes.length === 0 || setting !== "storageSize")];
  }
  const classes = new Set(live?.claims.map(({ storageClass }) => storageClass));
  const [first] = classes;
  return first === undefined || classes.has(spec.storageClassName)
    ? sizes
    : [...sizes, ...storageClassProblems(spec, first)];
}

function ownClass({ storageClass, storageClassName }: ClusterSpec, state: DeployedState): Problem[] {
  if (storageClass !== undefined || !state.storageClasses.includes(storageClassName)) return [];
  return [
    {
      setting: "storageClassName",
      asked: storageClassName,
      why: "The stack itself made this class. Named as an existing one it would be deleted, and no further volume could be made.",
      fix: "Leave storageClassName out: the class stays the same.",
    },
  ];
}

function lostNamespace({ namespace, createNamespace }: ClusterSpec, state: DeployedState, stack: string): Problem[] {
  if (createNamespace || !state.lostNamespaces.includes(namespace)) return [];
  return [
    {
      setting: "createNamespace",
      asked: "false",
      why: `The stack made namespace ${namespace} with keepVolumes: false. It would be deleted, and all data in it.`,
      fix: `Set it back to true. To keep the namespace without the stack: set keepVolumes to true, run ${npmLine("up", stack)}, and only then set createNamespace to false.`,
    },
  ];
}

/** Whether the next update makes a namespace: it must not be one that is there already and somebody else's. */
export function makesNamespace({ namespace, createNamespace }: ClusterSpec, state: DeployedState | undefined): boolean {
  return createNamespace && state?.namespaces.includes(namespace) !== true;
}

/** The kubernetes provider takes a namespace that is there over without a word, and deletes it with all in it. */
function foreignNamespace(
  spec: ClusterSpec,
  state: DeployedState | undefined,
  live: LiveCluster | undefined,
): Problem[] {
  if (live?.namespace === undefined || !makesNamespace(spec, state)) return [];
  const owner = live.namespace.labels[namespaceMark];
  if (owner === spec.name) return [];
  if (owner === undefined && state?.fixedFields === undefined && isUnmarkedOwn(live)) return [];
  const made = owner === undefined ? "this stack did not make it" : `it was made for cluster ${owner}`;
  return [
    {
      setting: "createNamespace",
      asked: "true",
      why:
        `Namespace ${spec.namespace} is there already, and ${made}. The stack would take it over and put its Pod ` +
        "Security on it, and deleting the stack could delete it with all that others have in it.",
      fix: "Set createNamespace to false: the stack then uses the namespace as it is, and never deletes it.",
    },
  ];
}

/**
 * Earlier versions set no mark. What they made and `down` left has their two labels and claims of this cluster. Others
 * may set both labels, too, and have the cluster in their namespace with `createNamespace: false`; but while that is
 * deployed, the state has a StatefulSet and no namespace. So labels and claims only count where it has no StatefulSet.
 */
function isUnmarkedOwn({ namespace, claims }: LiveCluster): boolean {
  const set = Object.entries(unmarkedNamespaceLabels);
  return claims.length > 0 && set.every(([label, value]) => namespace?.labels[label] === value);
}

/** What is known of the data: the latch in the cluster, else the one in the state, else what was deployed with it. */
function dataRecord(state: DeployedState | undefined, live: LiveCluster | undefined): DataRecord {
  const names = state?.names;
  const latches = [state?.record, live?.record].filter((latch) => latch !== undefined);
  const known: DataRecord =
    names === undefined
      ? {}
      : {
          namespace: names.namespace,
          name: names.service.replace(/-svc$/, ""),
          database: names.database,
          user: names.user,
        };
  // Earlier versions wrote nothing on the latch; what the pods run is what their data is of.
  const image = latches.length === 0 && names === undefined ? undefined : (live?.image ?? state?.image);
  const record = { ...known, ...(image !== undefined && { major: majorOfImage(image) }) };
  for (const latch of latches) {
    record.major = latch.major ?? record.major;
    record.database = latch.database ?? record.database;
    record.user = latch.user ?? record.user;
  }
  return record;
}

/** Whether changes reach pods that keep running: settings or passwords changed, and nothing that renews the pods. */
export function reachesRunningPods(changes: readonly PlannedChange[], { namespace, names }: ClusterSpec): boolean {
  const files = new Set([`ConfigMap ${namespace}/${names.configMap}`, `Secret ${namespace}/${names.secret}`]);
  const changed = changes.some(({ change, kind, name }) => change === "update" && files.has(`${kind} ${name}`));
  const renewed = changes.some(
    ({ change, kind, details }) =>
      kind === "StatefulSet" && (change !== "update" || details.some((detail) => detail.startsWith("spec.template"))),
  );
  return changed && !renewed;
}
