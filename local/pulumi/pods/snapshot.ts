import type { FixedFields } from "../../../components/postgres/fixed-fields";
import { at, listAt, textAt } from "../../tools/json";
import { readFixedFields, readImage, readTexts } from "../deployed-state";

/** What a container does, as its pod reports it. */
export interface ContainerView {
  name: string;
  restarts: number;
  /** Why it waits, e.g. `ImagePullBackOff`; undefined when it runs or has ended. */
  waiting: { reason: string; message: string } | undefined;
  /** How its last run ended. */
  ended: { exitCode: number; message: string } | undefined;
}

export interface PodView {
  name: string;
  uid: string;
  /** Revision of the StatefulSet it was made from. */
  revision: string;
  image: string;
  ready: boolean;
  /** Being deleted. */
  leaving: boolean;
  /** The scheduler's words, when no node takes it. */
  unschedulable: string | undefined;
  containers: ContainerView[];
}

export interface WarningView {
  /** Kind, name and uid of the object it is about. */
  kind: string;
  name: string;
  uid: string;
  reason: string;
  message: string;
  /** Milliseconds since 1970 of the last time it was seen. */
  lastSeen: number;
}

export interface ClaimView {
  name: string;
  bound: boolean;
  storageClass: string;
  /** What it asks for. */
  size: string;
  /** What its volume has; undefined while it has none. */
  capacity: string | undefined;
  /** How far growing it is, in the driver's words, e.g. `ControllerResizeInProgress`; none where nobody began. */
  growth: string[];
  /** Name of the volume it is bound to. */
  volume: string;
}

export interface StatefulSetView {
  replicas: number;
  updateRevision: string;
  observed: boolean;
  rolling: boolean;
  partition: number;
  /** Undefined for one that this program did not make. */
  fixedFields: FixedFields | undefined;
  /** Of its pods. */
  image: string | undefined;
}

/** The StatefulSet, its pods and what is around them, at one moment. */
export interface Snapshot {
  statefulSet: StatefulSetView | undefined;
  pods: PodView[];
  claims: ClaimView[];
  warnings: WarningView[];
}

const numberAt = (value: unknown, ...path: (string | number)[]): number => {
  const found = at(value, ...path);
  return typeof found === "number" ? found : 0;
};

function condition(pod: unknown, type: string): unknown {
  return listAt(pod, "status", "conditions").find((entry) => textAt(entry, "type") === type);
}

/** @param container a container's status. */
function readContainer(container: unknown): ContainerView {
  const waiting = at(container, "state", "waiting");
  const ended = at(container, "state", "terminated") ?? at(container, "lastState", "terminated");
  return {
    name: textAt(container, "name") ?? "",
    restarts: numberAt(container, "restartCount"),
    waiting:
      waiting === undefined
        ? undefined
        : { reason: textAt(waiting, "reason") ?? "", message: textAt(waiting, "message") ?? "" },
    ended:
      ended === undefined
        ? undefined
        : { exitCode: numberAt(ended, "exitCode"), message: textAt(ended, "message") ?? "" },
  };
}

/** @param pod a v1 Pod. */
export function readPod(pod: unknown): PodView {
  const scheduled = condition(pod, "PodScheduled");
  const stuck = textAt(scheduled, "reason") === "Unschedulable";
  return {
    name: textAt(pod, "metadata", "name") ?? "",
    uid: textAt(pod, "metadata", "uid") ?? "",
    revision: textAt(pod, "metadata", "labels", "controller-revision-hash") ?? "",
    image: textAt(pod, "spec", "containers", 0, "image") ?? "",
    ready: textAt(condition(pod, "Ready"), "status") === "True",
    leaving: textAt(pod, "metadata", "deletionTimestamp") !== undefined,
    unschedulable: stuck ? (textAt(scheduled, "message") ?? "no node takes it") : undefined,
    containers: listAt(pod, "status", "containerStatuses").map(readContainer),
  };
}

/** @param event a v1 Event. */
export function readWarning(event: unknown): WarningView {
  const time =
    textAt(event, "lastTimestamp") ?? textAt(event, "series", "lastObservedTime") ?? textAt(event, "eventTime");
  return {
    kind: textAt(event, "involvedObject", "kind") ?? "",
    name: textAt(event, "involvedObject", "name") ?? "",
    uid: textAt(event, "involvedObject", "uid") ?? "",
    reason: textAt(event, "reason") ?? "",
    message: textAt(event, "message") ?? "",
    lastSeen: Date.parse(time ?? "") || 0,
  };
}

/** @param claim a v1 PersistentVolumeClaim. */
export function readClaim(claim: unknown): ClaimView {
  return {
    name: textAt(claim, "metadata", "name") ?? "",
    bound: textAt(claim, "status", "phase") === "Bound",
    storageClass: textAt(claim, "spec", "storageClassName") ?? "",
    size: textAt(claim, "spec", "resources", "requests", "storage") ?? "",
    capacity: textAt(claim, "status", "capacity", "storage"),
    growth: [
      textAt(claim, "status", "allocatedResourceStatuses", "storage"),
      ...listAt(claim, "status", "conditions").map((condition) => textAt(condition, "type")),
    ].filter((word) => word !== undefined),
    volume: textAt(claim, "spec", "volumeName") ?? "",
  };
}

/** Labels of an object of any kind. */
export function readLabels(object: unknown): Record<string, string> {
  return readTexts(at(object, "metadata", "labels"));
}

/** @param set an apps/v1 StatefulSet, or undefined where there is none. */
export function readStatefulSet(set: unknown): StatefulSetView | undefined {
  if (set === undefined) return undefined;
  return {
    replicas: numberAt(set, "spec", "replicas"),
    updateRevision: textAt(set, "status", "updateRevision") ?? "",
    observed: numberAt(set, "status", "observedGeneration") === numberAt(set, "metadata", "generation"),
    rolling: textAt(set, "spec", "updateStrategy", "type") !== "OnDelete",
    partition: numberAt(set, "spec", "updateStrategy", "rollingUpdate", "partition"),
    fixedFields: readFixedFields(at(set, "spec")),
    image: readImage(at(set, "spec")),
  };
}

/** The number at the end of a pod's or claim's name. */
export const ordinalOf = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));

/** Whether the update strategy gives a pod that starts anew the older revision again. */
export const isHeldBack = (pod: string, { rolling, partition }: StatefulSetView): boolean =>
  rolling && ordinalOf(pod) < partition;

/** Whether a pod has to have the newest revision before the update is complete. */
function isUpdated(pod: PodView, set: StatefulSetView): boolean {
  return !set.rolling || isHeldBack(pod.name, set) || pod.revision === set.updateRevision;
}

/** Whether every wanted pod is ready and as new as its update strategy lets it be. */
export function isComplete({ statefulSet, pods }: Snapshot): boolean {
  if (statefulSet === undefined || !statefulSet.observed) return false;
  const done = pods.filter((pod) => pod.ready && !pod.leaving && isUpdated(pod, statefulSet));
  return done.length === statefulSet.replicas && pods.length === done.length;
}
