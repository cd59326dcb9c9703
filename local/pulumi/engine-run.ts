import type { EngineEvent, OutputMap } from "@pulumi/pulumi/automation";
import { npmLine } from "../npm-line";
import { LocalError, sleep } from "../tools/run";
import { type PlanStep, type PlanSteps, stepOfEvent } from "../verdict/step";
import { EngineError } from "./engine-command";
import { diagnosticText, type PlannedChange, pastTense, plannedChange } from "./engine-events";
import { InterruptedError, PodsError } from "./errors";
import type { Listener, OpenStack } from "./open-stack";
import { GrowthWatch, growingClaims, growthLine } from "./pods/growth";
import { Kubernetes } from "./pods/kubernetes";
import { PodWatch, podsLine, takeSnapshot } from "./pods/pod-watch";
import { type Rollout, rolloutOf } from "./pods/rollout";
import { isComplete, type Snapshot } from "./pods/snapshot";

/** What one run of the engine did or would do. */
export interface EngineReport {
  changes: PlannedChange[];
  unchanged: number;
  /** Only of an update. */
  outputs: OutputMap | undefined;
  /** Only of a preview. */
  plan: PlanSteps;
  /** Only of an update, where `updateStrategy` keeps pods on an older revision. */
  rollout: Rollout | undefined;
}

export type EngineOperation = "preview" | "up" | "destroy";

/** How long pods may take to become ready without any visible trouble: the engine's own limit for a StatefulSet. */
const readyMs = 600_000;

/** Collects what the engine tells, and passes it on. */
export class Events {
  readonly changes: PlannedChange[] = [];
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  /** Every step of a preview, also those that change nothing. */
  readonly steps: PlanStep[] = [];
  /** URNs of what a refresh found changed. */
  readonly drifted = new Set<string>();
  unchanged = 0;
  private readonly started = new Map<string, number>();

  constructor(
    private readonly operation: EngineOperation,
    private readonly say: (line: string) => void,
    private readonly onStatefulSet: () => void,
    private readonly losesVolumes = false,
  ) {}

  readonly hear = (event: EngineEvent): void => {
    const error = diagnosticText(event, "error");
    if (error !== undefined && !this.errors.includes(error)) this.errors.push(error);
    const before = event.resourcePreEvent?.metadata;
    // Reading what is in the cluster changes nothing; what differs there comes again as a step of its own.
    if (before !== undefined && before.op !== "refresh") {
      this.started.set(before.urn, Date.now());
      if (before.type.endsWith(":StatefulSet")) this.onStatefulSet();
      if (this.operation === "preview") this.plan(before);
    }
    const after = event.resOutputsEvent?.metadata;
    if (after !== undefined && this.operation !== "preview") this.done(after);
    if (after?.op === "refresh" && isDrift(after)) this.drifted.add(after.urn);
    const same = event.summaryEvent?.resourceChanges.same;
    if (same !== undefined) this.unchanged = same;
  };

  private plan(metadata: Parameters<typeof plannedChange>[0]): void {
    this.steps.push(stepOfEvent(metadata));
    const change = plannedChange(metadata);
    if (change !== undefined) this.changes.push(change);
  }

  private done(metadata: Parameters<typeof plannedChange>[0]): void {
    const change = plannedChange(metadata);
    if (change === undefined) return;
    // Pulumi leaves them, and Kubernetes deletes them with the StatefulSet.
    if (this.losesVolumes && change.kind === "PersistentVolumeClaim") change.change = "delete";
    this.changes.push(change);
    const tookMs = Date.now() - (this.started.get(metadata.urn) ?? Date.now());
    const took = tookMs < 2000 ? "" : ` after ${Math.round(tookMs / 1000)} s`;
    this.say(`  ${pastTense[change.change]} ${change.kind} ${change.name}${took}`);
  }
}

/** Whether a refresh found another object than the state has, or none. */
function isDrift({ detailedDiff, new: found }: Parameters<typeof plannedChange>[0]): boolean {
  return !found || Object.keys(detailedDiff ?? {}).length > 0;
}

/** Ends the engine when the caller or the watch says so, and remembers who did. */
class Ending {
  private readonly controller = new AbortController();
  cause: "asked" | "pods" | undefined;
  readonly signal = this.controller.signal;

  end(cause: "asked" | "pods"): void {
    this.cause ??= cause;
    this.controller.abort();
  }
}

/**
 * Runs one operation of the engine to its end, and watches the pods meanwhile.
 * @param losesVolumes whether a deletion takes the claims along.
 */
export async function runEngine(
  open: OpenStack,
  operation: EngineOperation,
  listener: Listener,
  losesVolumes = false,
): Promise<EngineReport> {
  const { engine, stack, paths } = open.workspace;
  const say = listener.say ?? (() => undefined);
  const ending = new Ending();
  const cancel = (): void => ending.end("asked");
  const kill = (): void => {
    cancel();
    engine.kill();
  };
  if (listener.cancel?.aborted) throw new InterruptedError("Ended before anything was changed.");
  listener.cancel?.addEventListener("abort", cancel);
  listener.kill?.addEventListener("abort", kill);
  const watcher = operation === "up" ? await watcherOf(open, listener, ending) : undefined;
  const events = new Events(operation, say, () => watcher?.watch.settingsApplied(), losesVolumes);
  try {
    const options = { onEvent: events.hear, signal: ending.signal };
    const outputs = await runOperation(operation, options);
    watcher?.watch.settingsApplied();
    const rollout = await watcher?.untilReady();
    await watcher?.untilGrown();
    const { changes, unchanged, steps, drifted } = events;
    return { changes, unchanged, outputs, rollout, plan: { steps, unchanged, drifted, errors: [] } };
  } catch (error) {
    const report = await watcher?.report();
    if (report !== undefined)
      throw new PodsError(`${report}\nWhen it is mended, ${npmLine("up", open.resolved.stack)} continues from here.`);
    if (ending.cause === "asked") {
      throw new InterruptedError("Ended. What was done so far is noted; the same command continues from here.");
    }
    if (!(error instanceof EngineError)) throw error;
    throw new LocalError(`${events.errors.join("\n") || error.message}\nThe engine's full report: ${paths.log}`);
  } finally {
    listener.cancel?.removeEventListener("abort", cancel);
    listener.kill?.removeEventListener("abort", kill);
    watcher?.close();
  }

  async function runOperation(
    kind: EngineOperation,
    options: { onEvent: (event: EngineEvent) => void; signal: AbortSignal },
  ): Promise<OutputMap | undefined> {
    // Objects that were deleted or changed by hand are noticed only by reading them first.
    if (kind === "up") return (await stack.up({ ...options, refresh: true })).outputs;
    if (kind === "preview") await stack.preview({ ...options, refresh: true });
    else await stack.destroy(options);
    return undefined;
  }
}

interface Watcher {
  watch: PodWatch;
  /** Resolves once every pod is ready and as new as `updateStrategy` lets it be; with the pods that it keeps older. */
  untilReady(): Promise<Rollout | undefined>;
  /** Resolves once every volume has the size its claim asks for. */
  untilGrown(): Promise<void>;
  /** The story of the trouble that ended the run, if one did. */
  report(): Promise<string | undefined>;
  close(): void;
}

/** Looks at the pods once a second and ends the engine when one cannot become ready. */
async function watcherOf(open: OpenStack, listener: Listener, ending: Ending): Promise<Watcher | undefined> {
  const { resolved, tools } = open;
  const say = listener.say ?? (() => undefined);
  if (tools.kubectl === undefined) {
    say("kubectl is not installed: pods are not watched, and one that cannot start is noticed late.");
    return undefined;
  }
  const kubernetes = await Kubernetes.connect(tools.kubectl);
  if (kubernetes.pid !== undefined) open.workspace.engine.listener?.helperStarted(kubernetes.pid);
  const { spec, cluster } = resolved;
  const target = { namespace: spec.namespace, statefulSet: spec.names.statefulSet };
  // Local volumes are made by hand: on premises nothing appears by itself.
  const elastic = cluster.kind === "current" && spec.cloud !== "on-premise";
  const watch = new PodWatch(kubernetes, target, { say, elastic });
  let closed = false;
  let latest: Snapshot | undefined;
  let story: Promise<string> | undefined;
  const look = async (): Promise<void> => {
    const { snapshot, fatal } = await watch.look();
    latest = snapshot;
    listener.note?.(podsLine(snapshot));
    if (fatal !== undefined && story === undefined) {
      story = watch.report(fatal);
      say("A pod cannot become ready; ending the update ...");
      ending.end("pods");
    }
  };
  const follow = async (): Promise<void> => {
    while (!closed && story === undefined) {
      // A cluster that does not answer for a moment is the engine's to judge.
      await look().catch(() => undefined);
      await sleep(1000);
    }
  };
  void follow();
  return {
    watch,
    async untilReady() {
      // Some update strategies return before their pods are ready, so an earlier look does not count.
      latest = undefined;
      await look().catch(() => undefined);
      const deadline = Date.now() + readyMs;
      while (latest === undefined || !isComplete(latest)) {
        if (story !== undefined || ending.cause !== undefined) throw new LocalError("Not every pod became ready.");
        if (Date.now() > deadline) {
          throw new LocalError(
            `Not every pod became ready within 10 minutes. See ${npmLine("status", open.resolved.stack)}.`,
          );
        }
        await sleep(200);
      }
      return rolloutOf(latest);
    },
    async untilGrown() {
      const growth = new GrowthWatch(Date.now());
      let said = "";
      for (;;) {
        if (ending.cause !== undefined) throw new LocalError("Not every volume has grown.");
        // A cluster that does not answer for a moment is asked again.
        const snapshot = await takeSnapshot(kubernetes, target, true).catch(() => undefined);
        const growing = snapshot && growingClaims(snapshot);
        if (growing?.length === 0) {
          if (said !== "") say(`  every volume has ${spec.storageSize} now`);
          return;
        }
        if (growing !== undefined) {
          if (said === "") say("  the claims ask for more now; their volumes grow while the pods run");
          said = growthLine(growing);
          listener.note?.(said);
        }
        const reason = growth.stuck(snapshot, Date.now());
        if (reason !== undefined) throw new LocalError(ungrown(reason, said, open.resolved.stack));
        await sleep(500);
      }
    },
    report: async () => story,
    close() {
      closed = true;
      kubernetes.close();
    },
  };
}

const ungrown = (reason: string, which: string, stack: string): string =>
  `Not every volume has grown: ${reason}.\n${which}. The pods run on with what they have.\n` +
  `Mend what the driver names, then ${npmLine("up", stack)} looks again. Asking for less is possible down to just above what every volume has.`;
