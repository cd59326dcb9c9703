import { listAt } from "../../tools/json";
import { type DiagnosisOptions, diagnose, podState, type Trouble } from "./diagnosis";
import type { KubernetesApi } from "./kubernetes";
import { isComplete, isHeldBack, readClaim, readPod, readStatefulSet, readWarning, type Snapshot } from "./snapshot";

/** Whose pods are watched. */
export interface WatchTarget {
  namespace: string;
  /** Its name; also the value of the pods' instance label. */
  statefulSet: string;
}

export interface WatchOptions extends DiagnosisOptions {
  /** Prints a line that stays. */
  say: (line: string) => void;
}

/** Reads everything about the pods at this moment. Warnings and claims are only asked for where a pod is not ready. */
export async function takeSnapshot(
  kubernetes: KubernetesApi,
  target: WatchTarget,
  everything = false,
): Promise<Snapshot> {
  const { namespace, statefulSet: name } = target;
  const core = `/api/v1/namespaces/${namespace}`;
  const selector = `labelSelector=${encodeURIComponent(`app.kubernetes.io/instance=${name}`)}`;
  const [set, pods] = await Promise.all([
    kubernetes.get(`/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`),
    kubernetes.get(`${core}/pods?${selector}`),
  ]);
  const statefulSet = readStatefulSet(set);
  const found: Snapshot = { statefulSet, pods: listAt(pods, "items").map(readPod), claims: [], warnings: [] };
  found.pods.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  if (!everything && (statefulSet === undefined || isComplete(found))) return found;
  const [claims, warnings] = await Promise.all([
    kubernetes.get(`${core}/persistentvolumeclaims?${selector}`),
    kubernetes.get(`${core}/events?fieldSelector=type%3DWarning`),
  ]);
  found.claims = listAt(claims, "items").map(readClaim);
  found.warnings = listAt(warnings, "items").map(readWarning);
  return found;
}

/**
 * Follows the pods while a stack changes: says what they do, finds out when one will not become ready by itself, and
 * makes room for mended settings where an earlier failure still stands in their way.
 */
export class PodWatch {
  private readonly firstSeen = new Map<string, number>();
  /** Pods that were already in trouble when the watch began: the settings may be what mends them. */
  private sickBefore: Set<string> | undefined;
  private readonly renewed = new Set<string>();
  private applied = false;

  constructor(
    private readonly kubernetes: KubernetesApi,
    private readonly target: WatchTarget,
    private readonly options: WatchOptions,
  ) {}

  /** To be called when the new settings have reached the cluster. */
  settingsApplied(): void {
    this.applied = true;
  }

  /** Looks once. */
  async look(now = Date.now()): Promise<{ snapshot: Snapshot; fatal: Trouble | undefined }> {
    const snapshot = await takeSnapshot(this.kubernetes, this.target);
    const troubles = diagnose(snapshot, this.target.statefulSet, now, this.options);
    this.sickBefore ??= new Set(troubles.map(({ uid }) => uid).filter((uid) => uid !== ""));
    const outdated = await this.renew(snapshot, troubles);
    const counted = troubles.filter(({ uid }) => !outdated.has(uid));
    for (const { key } of counted) if (!this.firstSeen.has(key)) this.firstSeen.set(key, now);
    this.forgetHealed(snapshot, counted);
    const fatal = counted.find(({ key, graceMs }) => now - (this.firstSeen.get(key) ?? now) >= graceMs);
    return { snapshot, fatal };
  }

  /** A crash-looping container runs for moments: its trouble is over only once the pod is ready or gone. */
  private forgetHealed({ pods }: Snapshot, troubles: Trouble[]): void {
    const present = new Set(troubles.map(({ key }) => key));
    for (const key of this.firstSeen.keys()) {
      const pod = pods.find(({ uid }) => key.startsWith(`${uid} `));
      if (!present.has(key) && (pod === undefined || pod.ready || !key.endsWith(" crash"))) this.firstSeen.delete(key);
    }
  }

  /**
   * Deletes pods that cannot become ready and whose settings are no longer the stack's. The StatefulSet controller waits
   * for such a pod forever (https://github.com/kubernetes/kubernetes/issues/67250); its claim, and so its data, stays.
   * Returns the uids of pods whose trouble says nothing about the new settings.
   */
  private async renew({ statefulSet, pods }: Snapshot, troubles: Trouble[]): Promise<Set<string>> {
    const outdated = new Set<string>();
    for (const { uid, pod, state } of troubles) {
      const revision = pods.find((one) => one.uid === uid)?.revision;
      const renewable = statefulSet?.observed === true && !isHeldBack(pod, statefulSet);
      const older = renewable && revision !== undefined && revision !== statefulSet.updateRevision;
      if (!older && !this.sickBefore?.has(uid)) continue;
      outdated.add(uid);
      if (!this.applied || this.renewed.has(uid)) continue;
      this.renewed.add(uid);
      this.options.say(
        `  ${pod} was stuck before this change (${state}): deleting it, so that it starts with the new settings. Its data stays.`,
      );
      const { namespace } = this.target;
      await this.kubernetes.remove(`/api/v1/namespaces/${namespace}/pods/${pod}`).catch((error: Error) => {
        this.options.say(`  ${error.message}\n  Have it deleted: kubectl delete pod -n ${namespace} ${pod}`);
      });
    }
    return outdated;
  }

  /** The whole story of a trouble: pod, state, its own last words, next step. */
  async report(trouble: Trouble): Promise<string> {
    const words = trouble.words || (await this.lastLines(trouble)) || "(it said nothing)";
    return [
      `${trouble.pod} cannot become ready: ${trouble.state}.`,
      ...words
        .split("\n")
        .slice(-12)
        .map((line) => `  | ${line}`),
      trouble.next,
    ].join("\n");
  }

  private async lastLines({ pod, container }: Trouble): Promise<string> {
    if (container === undefined) return "";
    const { namespace } = this.target;
    const before = await this.kubernetes.log(namespace, pod, container, true).catch(() => "");
    return before || this.kubernetes.log(namespace, pod, container, false).catch(() => "");
  }
}

/** All pods in a few words. */
export const podsLine = ({ pods }: Snapshot): string =>
  pods.length === 0 ? "no pods yet" : pods.map((pod) => `${pod.name} ${podState(pod)}`).join(", ");
