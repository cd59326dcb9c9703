import type { ContainerView, PodView, Snapshot } from "./snapshot";

/** Something that keeps a pod from becoming ready. */
export interface Trouble {
  /** The same for the same trouble of the same pod at different moments. */
  key: string;
  /** Name of the pod, or of the StatefulSet when it cannot even make one. */
  pod: string;
  uid: string;
  /** E.g. `ImagePullBackOff`. */
  state: string;
  /** What Kubernetes or the container itself says about it. */
  words: string;
  /** What a person can do. */
  next: string;
  /** Milliseconds it may last before it is clear that it will not heal by itself. */
  graceMs: number;
  /** Container whose log tells more. */
  container: string | undefined;
}

export interface DiagnosisOptions {
  /** Whether new nodes or volumes may appear by themselves (a cloud's autoscaler); then scheduling gets more time. */
  elastic: boolean;
}

const seconds = 1000;

// Registries and mounts fail for moments, so these must last; what a spec says wrong never heals.
const pullGrace = 20 * seconds;
const configGrace = 15 * seconds;
const mountGrace = 30 * seconds;
const crashGrace = 25 * seconds;
const scheduleGrace = { fixed: 15 * seconds, elastic: 35 * seconds };

const waitingReasons: Record<string, { graceMs: number; next: (pod: PodView) => string }> = {
  ErrImagePull: { graceMs: pullGrace, next: imageHint },
  ImagePullBackOff: { graceMs: pullGrace, next: imageHint },
  InvalidImageName: { graceMs: 2 * seconds, next: imageHint },
  ErrImageNeverPull: { graceMs: 2 * seconds, next: imageHint },
  CreateContainerConfigError: {
    graceMs: configGrace,
    next: () => "Mend what the message names; runAsUser and runAsGroup must be numbers the image can run with.",
  },
  CreateContainerError: {
    graceMs: configGrace,
    next: () => "Check that the image is complete and runs on this machine's processor.",
  },
  RunContainerError: {
    graceMs: configGrace,
    next: () => "Check that the image has bash and runs on this machine's processor.",
  },
};

function imageHint({ image }: PodView): string {
  return `Check the setting image (${image}): name, tag, and whether the cluster's nodes may pull it.`;
}

function containerTrouble(pod: PodView, container: ContainerView): Trouble | undefined {
  const { waiting, ended, restarts } = container;
  const base = { pod: pod.name, uid: pod.uid };
  const known = waiting && waitingReasons[waiting.reason];
  if (waiting !== undefined && known !== undefined) {
    const pull = known.next === imageHint ? "image" : waiting.reason;
    const words = waiting.message || waiting.reason;
    const next = known.next(pod);
    return {
      ...base,
      key: `${pod.uid} ${pull}`,
      state: waiting.reason,
      words,
      next,
      graceMs: known.graceMs,
      container: undefined,
    };
  }
  // A container that came up again and works on is left alone; one that is being held back is not.
  if (waiting?.reason !== "CrashLoopBackOff" || ended === undefined) return undefined;
  return {
    ...base,
    key: `${pod.uid} crash`,
    state: `${waiting.reason}, ended with code ${ended.exitCode} ${restarts + 1} times`,
    words: ended.message.trim(),
    next: "Mend what its last words name: most often a setting of the stack, else the data on its volume.",
    // Held back for the second time: the third start in a row has failed.
    graceMs: restarts >= 2 ? 0 : crashGrace,
    container: container.name,
  };
}

function scheduleTrouble(pod: PodView, snapshot: Snapshot, elastic: boolean): Trouble | undefined {
  if (pod.unschedulable === undefined) return undefined;
  const claim = snapshot.claims.find(({ name }) => name.endsWith(`-${pod.name}`));
  const volume = /persistent ?volume|unbound/i.test(pod.unschedulable);
  const scalesUp = snapshot.warnings.some(({ uid, reason }) => uid === pod.uid && reason === "TriggeredScaleUp");
  if (scalesUp) return undefined;
  const wanted = claim && `${claim.name} asks for ${claim.size} of StorageClass ${claim.storageClass}`;
  return {
    key: `${pod.uid} schedule`,
    pod: pod.name,
    uid: pod.uid,
    state: volume ? "no room for its claim" : "no node takes it",
    words: [pod.unschedulable, volume ? wanted : undefined].filter((line) => line).join("\n"),
    next: volume
      ? "Provide such a volume, or ask for less: storageSize, storageClassName, replicas."
      : "Ask for less (resources.requests, replicas) or make room on the cluster's nodes.",
    graceMs: elastic ? scheduleGrace.elastic : scheduleGrace.fixed,
    container: undefined,
  };
}

function mountTrouble(pod: PodView, snapshot: Snapshot): Trouble | undefined {
  const starting = pod.containers.every(({ waiting }) => waiting?.reason === "ContainerCreating");
  const mount = snapshot.warnings.find(
    ({ uid, reason }) => uid === pod.uid && (reason === "FailedMount" || reason === "FailedAttachVolume"),
  );
  if (!starting || mount === undefined) return undefined;
  const { reason, message } = mount;
  const next = "Mend what the message names: the volume, or the Secret or ConfigMap of that name.";
  return {
    key: `${pod.uid} mount`,
    pod: pod.name,
    uid: pod.uid,
    state: reason,
    words: message,
    next,
    graceMs: mountGrace,
    container: undefined,
  };
}

/** The StatefulSet controller may be refused a pod: quotas, admission. Only counted while a pod is missing. */
function creationTrouble(snapshot: Snapshot, statefulSet: string, now: number): Trouble | undefined {
  if (snapshot.pods.length >= (snapshot.statefulSet?.replicas ?? 0)) return undefined;
  const refused = snapshot.warnings.find(
    (warning) =>
      warning.kind === "StatefulSet" &&
      warning.name === statefulSet &&
      warning.reason === "FailedCreate" &&
      now - warning.lastSeen < 30 * seconds,
  );
  if (refused === undefined) return undefined;
  return {
    key: "create",
    pod: statefulSet,
    uid: "",
    state: "the cluster refuses its pods",
    words: refused.message,
    next: "Mend what the message names: a quota, a policy of the namespace, or the setting it quotes.",
    graceMs: configGrace,
    container: undefined,
  };
}

/** Everything that keeps pods from becoming ready at this moment. @param now milliseconds since 1970. */
export function diagnose(snapshot: Snapshot, statefulSet: string, now: number, options: DiagnosisOptions): Trouble[] {
  const ofPods = snapshot.pods
    .filter((pod) => !pod.ready && !pod.leaving)
    .flatMap((pod) => [
      ...pod.containers.map((container) => containerTrouble(pod, container)),
      scheduleTrouble(pod, snapshot, options.elastic),
      mountTrouble(pod, snapshot),
    ]);
  return [...ofPods, creationTrouble(snapshot, statefulSet, now)].filter((trouble) => trouble !== undefined);
}

/** One pod in a few words, for progress and status. */
export function podState(pod: PodView): string {
  if (pod.leaving) return "stopping";
  if (pod.ready) return "ready";
  const [container] = pod.containers;
  if (pod.unschedulable !== undefined) return "not scheduled";
  if (container?.waiting !== undefined) return container.waiting.reason || "waiting";
  return container === undefined ? "pending" : "starting";
}
