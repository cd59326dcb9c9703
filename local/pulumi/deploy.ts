import { join } from "node:path";
import type { OutputMap } from "@pulumi/pulumi/automation";
import type { ClusterSpec } from "../../components/postgres/spec";
import { isExpandable } from "../../components/postgres/storage-class";
import type { FoundData } from "../../components/postgres/verdict/types";
import { SettingsError } from "../../components/settings-error";
import type { StackOutputs } from "../../stacks/outputs";
import { npmLine } from "../npm-line";
import { at } from "../tools/json";
import { LocalError, until } from "../tools/run";
import type { PlanSteps } from "../verdict/step";
import { type Place, readLatch } from "./deployed-state";
import type { PlannedChange } from "./engine-events";
import { type EngineReport, runEngine } from "./engine-run";
import {
  type LiveCluster,
  makesNamespace,
  refusedChanges,
  refusedDeletion,
  type Unused,
  unusedParts,
} from "./live-changes";
import type { DeployTools, Listener, OpenStack } from "./open-stack";
import { readOutputs } from "./outputs";
import { pulumiFolder } from "./paths";
import { movedPlace, notedPlace, notePlace, othersAt, placeOf, takenPlace } from "./place";
import { Kubernetes } from "./pods/kubernetes";
import { takeSnapshot } from "./pods/pod-watch";
import type { Rollout } from "./pods/rollout";
import { readLabels } from "./pods/snapshot";
import { endProcess, orphansOf } from "./processes";
import { type ResolvedStack, resolveStack, type StackChoice } from "./resolve-stack";
import { beginRun } from "./run-record";
import { deployedState, healState, protectedResources } from "./state";
import { releaseStaleLocks } from "./state-lock";
import { openWorkspace, takeOver } from "./workspace";

export type { DeployTools, Listener, OpenStack } from "./open-stack";
export { type ResolvedStack, resolveStack, type StackChoice } from "./resolve-stack";

/** What a preview says. */
export interface Plan {
  changes: PlannedChange[];
  /** Resources that stay as they are. */
  unchanged: number;
}

/** What a preview says, and each step that the engine would take. */
export interface Preview extends Plan {
  plan: PlanSteps;
  /** What the cluster has of the data; undefined where it could not be read, or there is no kubectl. */
  data: FoundData | undefined;
}

/** What a deletion did. */
export interface Deletion extends Plan {
  /** Whether what was deployed keeps its volumes; undefined where there was no StatefulSet that could say so. */
  keptVolumes: boolean | undefined;
  /** Where its data is, or was; undefined where nobody knows. */
  place: Place | undefined;
}

/** What a deployment did. */
export interface Deployment extends Plan {
  outputs: StackOutputs;
  /** Which pods `updateStrategy` keeps on an older revision; undefined where none is. */
  rollout: Rollout | undefined;
}

/**
 * Opens a stack, and makes it in the backend where it is new. Nothing in the cluster is touched.
 * @param stack a resolved stack, or the choice of one, whose settings are then read and validated first.
 * @param folder where state and plugins are kept; default `pulumi` in KUBERNETES_POSTGRES_HOME.
 * @throws SettingsError when the settings cannot work, before anything is made.
 */
export async function openStack(
  stack: ResolvedStack | StackChoice,
  tools: DeployTools,
  folder = pulumiFolder(),
): Promise<OpenStack> {
  const resolved = "spec" in stack ? stack : resolveStack(stack);
  return { resolved, tools, workspace: await openWorkspace(resolved, tools, folder) };
}

/**
 * What {@link deploy} would change. Changes nothing.
 * @throws SettingsError when the settings cannot work on what is deployed already.
 */
export async function previewStack(open: OpenStack, listener: Listener = {}): Promise<Preview> {
  const live = await demandPossible(open);
  const unused = unusedParts(open.resolved.spec, live);
  if (unused !== undefined) {
    throw new LocalError(
      `${partsLine(open, unused)} never got a volume and asks for what is no longer wanted: ${npmLine("up", open.resolved.stack)} makes it anew. ` +
        "Kubernetes cannot preview that.",
    );
  }
  const report = await runEngine(open, "preview", listener);
  const data = live && { claims: live.claims.map(({ name }) => name), recorded: live.record !== undefined };
  return { ...plan(report), plan: report.plan, data };
}

/**
 * Makes the cluster what the settings say and waits until every pod is ready. Continues where an earlier run stopped or
 * was killed.
 * @param beforehand makes what has to be there first; called once the change is known to be possible.
 * @throws SettingsError, before anything is changed, when the settings cannot work on what is deployed already;
 *   PodsError with a pod's last words when it cannot become ready by itself; InterruptedError after `cancel`;
 *   LocalError with the engine's words otherwise.
 */
export async function deploy(
  open: OpenStack,
  listener: Listener = {},
  beforehand?: () => Promise<void>,
): Promise<Deployment> {
  return changing(open, "up", listener, async () => {
    const live = await demandPossible(open);
    // Before anything is made: what an interrupted run leaves is this stack's, too.
    notePlace(open.workspace.paths, placeOf(open.resolved.spec));
    const unused = unusedParts(open.resolved.spec, live);
    if (unused !== undefined) await removeUnused(open, unused, listener.say ?? (() => undefined));
    if (!listener.cancel?.aborted) await beforehand?.();
    const report = await runEngine(open, "up", listener);
    const outputs = readOutputs(report.outputs ?? {});
    if (outputs === undefined)
      throw new LocalError("The stack is deployed, but its outputs are incomplete. Run up again.");
    return { ...plan(report), outputs, rollout: report.rollout };
  });
}

/**
 * Deletes what the stack made. Claims, and so the data, stay, unless `keepVolumes: false` is deployed.
 * @param dataToo whether the caller deletes the data as well.
 * @throws LocalError for a protected stack, SettingsError where the data would go against the settings, or would be that of
 *   another place than the stack was deployed to; all before anything is deleted.
 */
export async function destroy(open: OpenStack, listener: Listener = {}, dataToo = false): Promise<Deletion> {
  return changing(open, "down", listener, async () => {
    const { workspace, resolved } = open;
    const kept = await protectedResources(workspace);
    if (kept.length > 0) throw new LocalError(protection(resolved.stack, kept));
    const state = await deployedState(workspace);
    const place = state?.place ?? notedPlace(workspace.paths);
    const problems = dataToo
      ? movedPlace(placeOf(resolved.spec), place)
      : refusedDeletion(resolved.spec, state, resolved.stack);
    if (problems.length > 0) throw new SettingsError(problems);
    const keptVolumes = state?.fixedFields === undefined ? undefined : !state.losesVolumes;
    return { ...plan(await runEngine(open, "destroy", listener, keptVolumes === false)), keptVolumes, place };
  });
}

const protection = (stack: string, resources: readonly string[]): string =>
  `Stack ${stack} is protected: Pulumi refuses to delete ${resources.join(", ")}.\n` +
  `If it really is to go: set kubernetes-postgres:protect to false in Pulumi.${stack}.yaml, ` +
  `${npmLine("up", stack)}, then ${npmLine("down", stack)}.`;

/** The outputs of the last deployment; undefined where there is none. */
export async function stackOutputs({ workspace }: OpenStack): Promise<StackOutputs | undefined> {
  const outputs: OutputMap = await workspace.stack.outputs();
  return readOutputs(outputs);
}

/**
 * Where the cluster cannot be read, the engine says what is wrong with it; but a namespace must not be made unseen.
 * @throws SettingsError with every change that this deployment or its volumes do not allow.
 */
async function demandPossible(open: OpenStack): Promise<LiveCluster | undefined> {
  const { spec } = open.resolved;
  const state = await deployedState(open.workspace);
  // What this stack has deployed is its own: a field that was changed by hand is shown, and set back. Anything else of
  // these names on a cluster of the user's may be somebody else's, and is left to the engine to refuse.
  if (state?.fixedFields !== undefined) Object.assign(open.workspace.stack.workspace.envVars, takeOver);
  const makes = makesNamespace(spec, state);
  const live = await liveCluster(open).catch((error: unknown) => {
    if (makes) throw error;
    return undefined;
  });
  if (makes && live === undefined) {
    throw new LocalError(
      `kubectl is not installed, and only with it can be seen whether namespace ${spec.namespace} is somebody else's. ` +
        "Install kubectl, or set createNamespace to false and use a namespace that is there.",
    );
  }
  const refused = refusedChanges(spec, state, live, open.resolved.stack);
  const place = placeOf(spec);
  // Where this stack was to be elsewhere, that is said already.
  const taken = refused.length > 0 ? [] : takenPlace(place, othersAt(place, open.workspace.paths));
  const problems = [...refused, ...taken];
  if (problems.length > 0) throw new SettingsError(problems);
  return live;
}

/**
 * Undefined where there is no kubectl.
 * @throws LocalError where the cluster cannot be read.
 */
async function liveCluster(open: OpenStack): Promise<LiveCluster | undefined> {
  const { spec } = open.resolved;
  const { namespace, createNamespace, names } = spec;
  return withKubernetes(open, async (kubernetes) => {
    const core = `/api/v1/namespaces/${namespace}`;
    const [{ statefulSet, claims }, found, latch] = await Promise.all([
      takeSnapshot(kubernetes, { namespace, statefulSet: names.statefulSet }, true),
      createNamespace ? kubernetes.get(core) : undefined,
      kubernetes.get(`${core}/configmaps/${names.latchConfigMap}`),
    ]);
    const classes = [...new Set(claims.map(({ storageClass }) => storageClass))];
    const expandable = await Promise.all(classes.map((name) => canExpand(kubernetes, spec, name)));
    return {
      fixedFields: statefulSet?.fixedFields,
      image: statefulSet?.image,
      record: readLatch(latch),
      claims: claims.filter(({ bound }) => bound),
      // A claim that lost its volume still names it.
      emptyClaims: claims.filter(({ volume }) => volume === ""),
      expandable: classes.filter((_, index) => expandable[index]),
      namespace: found === undefined ? undefined : { labels: readLabels(found) },
    };
  });
}

/** Whether a StorageClass can grow volumes. The stack's own may be missing after `down`: the next `up` makes it. */
async function canExpand(kubernetes: Kubernetes, spec: ClusterSpec, name: string): Promise<boolean> {
  const found = await kubernetes.get(`/apis/storage.k8s.io/v1/storageclasses/${name}`);
  if (found !== undefined) return at(found, "allowVolumeExpansion") === true;
  return spec.storageClass !== undefined && name === spec.storageClassName && isExpandable(spec.cloud, spec.workload);
}

const partsLine = ({ resolved: { spec } }: OpenStack, { statefulSet, claims }: Unused): string =>
  [...(statefulSet ? [`StatefulSet ${spec.namespace}/${spec.names.statefulSet}`] : []), ...claims].join(", ");

/** Makes room for what is wanted now. Pods stay until they are renewed, as after any other change. */
async function removeUnused(open: OpenStack, unused: Unused, say: (line: string) => void): Promise<void> {
  const { namespace, names } = open.resolved.spec;
  say(`  ${partsLine(open, unused)} never got a volume and asks for what is no longer wanted: making it anew.`);
  const set = `/apis/apps/v1/namespaces/${namespace}/statefulsets/${names.statefulSet}`;
  await withKubernetes(open, async (kubernetes) => {
    const remove = async (path: string, query = ""): Promise<void> => {
      await kubernetes.remove(`${path}${query}`);
      if (await until(async () => (await kubernetes.get(path)) === undefined, 30_000, 200)) return;
      throw new LocalError(
        `${path.split("/").slice(-2).join(" ")} in namespace ${namespace} was not gone 30 s after its deletion.\n` +
          "See what holds it (kubectl get with -o yaml: finalizers, deletionTimestamp), then run the same command again.",
      );
    };
    // First, or it would make the claims again.
    if (unused.statefulSet) await remove(set, "?propagationPolicy=Orphan");
    for (const claim of unused.claims) {
      await remove(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`);
    }
  });
}

/** Undefined where there is no kubectl. */
async function withKubernetes<T>(
  { workspace, tools }: OpenStack,
  work: (kubernetes: Kubernetes) => Promise<T>,
): Promise<T | undefined> {
  if (tools.kubectl === undefined) return undefined;
  const kubernetes = await Kubernetes.connect(tools.kubectl);
  if (kubernetes.pid !== undefined) workspace.engine.listener?.helperStarted(kubernetes.pid);
  try {
    return await work(kubernetes);
  } finally {
    kubernetes.close();
  }
}

const plan = ({ changes, unchanged }: EngineReport): Plan => ({ changes, unchanged });

/** Work that changes the stack: only one at a time, and what a killed one left behind is put in order first. */
async function changing<T>(open: OpenStack, command: string, listener: Listener, work: () => Promise<T>): Promise<T> {
  const { workspace } = open;
  const say = listener.say ?? (() => undefined);
  const run = await beginRun(workspace.paths.run, command, say);
  try {
    for (const plugin of orphansOf(join(workspace.paths.pulumiHome, "plugins"))) await endProcess(plugin, 0);
    if (workspace.ownBackend) releaseStaleLocks(workspace.paths.locks, say);
    workspace.engine.listener = run;
    await healState(workspace, say);
    return await work();
  } finally {
    workspace.engine.listener = undefined;
    run.end();
  }
}
