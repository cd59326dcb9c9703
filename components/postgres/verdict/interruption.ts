import { everybody } from "../network-policy";
import type { PodsVerdict } from "./pods";
import type { Interruption, Loss, ResourceChange, SettingVerdict } from "./types";

/**
 * Longest time without an acknowledged write while all three pods are restarted one by one, in seconds: the row "rolling
 * update of all three" of docs/faults.md, median of the tries on the embedded node.
 */
export const rollingUpdatePauseSeconds = 2;

const nothing = "nothing";

/** What clients notice of a plan, of a cluster that is there. */
export function interruptionOf(
  pods: PodsVerdict,
  losses: readonly Loss[],
  settings: readonly SettingVerdict[],
  changes: readonly ResourceChange[],
): Interruption {
  const stops = losses.some(({ what }) => /^(Namespace|StatefulSet) /.test(what));
  if (stops) {
    const until = pods.added.length > 0 ? "until the new pods are ready" : "for good";
    const then = pods.anotherCluster ? `${until}, which are empty` : until;
    return { writers: `none can write ${then}`, readers: `none can read ${then}` };
  }
  const count = pods.after ?? pods.before;
  const restart = (verb: string, names: readonly string[]): Interruption | undefined => {
    if (names.length === 0) return undefined;
    const pause = `one pause of about ${rollingUpdatePauseSeconds} s ${verb} ${pods.primary} restarts${more(pods)}`;
    const primary = names.includes(pods.primary);
    if (primary && count === 1) return { writers: pause, readers: "the same pause: there is one pod" };
    const away = "no pause: one pod is away at a time, and sessions on it end";
    return { writers: primary ? pause : "nothing: the primary is not restarted", readers: away };
  };
  const back = comeBack(changes);
  const asked = settingsInterruption(pods, settings);
  const found = restart("when", pods.restarted) ?? restart("if", pods.perhaps) ?? readersOfRemoved(pods);
  const all = (...words: (string | undefined)[]): string => {
    const told = [...new Set(words)].filter((one) => one !== undefined && one !== nothing);
    const noticed = told.filter((one) => !one?.startsWith(`${nothing}:`));
    return (noticed.length > 0 ? noticed : told).join("; ") || nothing;
  };
  return {
    writers: all(back.writers, found?.writers, asked),
    readers: all(back.readers, found?.readers, readersOfRemoved(pods)?.readers),
  };
}

/**
 * What is made anew because it is gone from the cluster, and clients cannot connect without. Writers use the primary's
 * Service, readers the names that the pods' own gives them.
 */
function comeBack(changes: readonly ResourceChange[]): Interruption {
  const missing = changes.filter(({ change, drifted }) => change === "create" && drifted !== false);
  const words = (needed: (change: ResourceChange) => boolean): string => {
    const found = missing.filter(needed).map(({ kind, name }) => `${kind} ${name}`);
    return found.length === 0 ? nothing : `can connect once there is what is missing now: ${list(found)}`;
  };
  const isSet = ({ kind }: ResourceChange): boolean => kind === "StatefulSet";
  const isPrimary = ({ name }: ResourceChange): boolean => name.endsWith("-primary");
  return {
    writers: words((one) => isSet(one) || (one.kind === "Service" && isPrimary(one))),
    readers: words((one) => isSet(one) || (one.kind === "Service" && !isPrimary(one))),
  };
}

/** What can make the pause longer. */
function more({ imageChanges }: PodsVerdict): string {
  return imageChanges ? ", longer where its node has to pull the image" : "";
}

function readersOfRemoved({ removed, after }: PodsVerdict): Interruption | undefined {
  if (removed.length === 0) return undefined;
  const left = after === 1 ? "; only the primary is left to read from" : "";
  return { writers: nothing, readers: `sessions on ${list(removed)} end${left}` };
}

/** What settings do to writers whose pods run on. */
function settingsInterruption(pods: PodsVerdict, settings: readonly SettingVerdict[]): string | undefined {
  const changed = settings.find(({ setting }) => setting === "passwordGeneration");
  const commits = commitsWait(pods, settings);
  const words = [
    ...(settings.some(namesClients) ? ["new sessions are judged by the new list of clients"] : []),
    ...(changed === undefined ? [] : ["new sessions need the new password within about a minute"]),
    ...(commits === undefined ? [] : [commits]),
  ];
  return words.length === 0 ? undefined : words.join("; ");
}

/** Whether from now on a list says who may connect, or another one. */
export const namesClients = ({ setting, after }: SettingVerdict): boolean =>
  setting.startsWith("networkPolicy.") && after !== "false" && after !== everybody;

/** What a change of `synchronousReplicas` does to commits; undefined where they wait for no more than before. */
function commitsWait(pods: PodsVerdict, settings: readonly SettingVerdict[]): string | undefined {
  const stop = commitsStop(pods, settings);
  if (stop !== undefined) return `commits may wait ${stop}`;
  const asked = settings.find(({ setting }) => setting === "synchronousReplicas");
  return asked !== undefined && Number(asked.after) > Number(asked.before) ? "commits wait for replicas" : undefined;
}

/**
 * Until when no commit may be acknowledged, because fewer replicas are there than commits wait for: the setting can reach the
 * primary before the pods that are added stream, and after others are removed. Undefined where there are enough all the time.
 */
export function commitsStop(pods: PodsVerdict, settings: readonly SettingVerdict[]): string | undefined {
  const asked = settings.find(({ setting }) => setting === "synchronousReplicas");
  if (asked === undefined) return undefined;
  const { added, before, removed, after } = pods;
  if (added.length > 0 && before !== undefined && Number(asked.after) >= before)
    return "until the new pods have cloned the primary and stream";
  if (removed.length > 0 && after !== undefined && Number(asked.before) >= after)
    return "until the primary has read the lower number, about a minute";
  return undefined;
}

/** Names as one reads them: `a`, `a and b`, `a, b and c`. */
function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
