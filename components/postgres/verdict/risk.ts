import { commitsStop, namesClients } from "./interruption";
import type { PodsVerdict } from "./pods";
import { type Loss, type ResourceVerdict, type RiskLevel, riskLevels, type SettingVerdict } from "./types";

interface Reason {
  level: RiskLevel;
  why: string;
}

/** What the risk is judged by. */
export interface Judged {
  pods: PodsVerdict;
  losses: readonly Loss[];
  settings: readonly SettingVerdict[];
  resources: readonly ResourceVerdict[];
  /** Whether files that running pods have mounted change. */
  reloads: boolean;
  grows: boolean;
  /** As the verdict has both. */
  foundClaims: readonly string[];
  primaryVolumeLost: boolean;
}

/** The gravest reason, and those as grave as it. */
export function riskOf(judged: Judged): { level: RiskLevel; why: string } {
  const reasons = [
    ...lossReasons(judged),
    ...settingReasons(judged),
    ...podReasons(judged),
    ...commitReasons(judged),
    ...resourceReasons(judged),
  ];
  const level = riskLevels.findLast((one) => reasons.some((reason) => reason.level === one)) ?? "none";
  const words = reasons.filter((reason) => reason.level === level).map(({ why }) => why);
  return { level, why: [...new Set(words)].join("; ") || "no pod notices it" };
}

function lossReasons({ losses }: Judged): Reason[] {
  return losses.map(({ what }) => ({ level: "high", why: `destructive: ${what}` }));
}

function settingReasons({ settings }: Judged): Reason[] {
  return settings.flatMap((one): Reason[] => {
    const { setting, before, after, class: effect } = one;
    if (setting === "keepVolumes" && after === "false")
      return [{ level: "medium", why: "from now on deleting the stack deletes its data" }];
    if (setting === "protect" && after === "false")
      return [{ level: "low", why: "Pulumi no longer refuses to delete the cluster" }];
    if (setting === "networkPolicy.enabled" && after === "false")
      return [{ level: "low", why: "pods of all namespaces reach the database's port" }];
    if (namesClients(one)) return [{ level: "low", why: "who is not named cannot connect anew" }];
    if (setting === "synchronousReplicas" && Number(after) < Number(before))
      return [{ level: "medium", why: "commits wait for fewer replicas: the last ones may be lost with the primary" }];
    if (setting === "image" && effect === "refused")
      return [{ level: "high", why: "updated pods do not start on the data of another major" }];
    if (effect === "refused") return [{ level: "high", why: `npm run up refuses the change of ${setting}` }];
    return [];
  });
}

function podReasons({ pods, reloads, grows, foundClaims, primaryVolumeLost }: Judged): Reason[] {
  const { restarted, perhaps, removed, added, held, primary, after } = pods;
  const reasons: Reason[] = [];
  const add = (level: RiskLevel, why: string): void => {
    reasons.push({ level, why });
  };
  if (restarted.includes(primary)) add("medium", "the primary restarts");
  else if (restarted.length > 0) add("low", "only replicas restart");
  if (perhaps.length > 0) add(perhaps.includes(primary) ? "medium" : "low", "pods that wait for an update restart");
  if (held.length > 0 && restarted.length === 0) add("low", "pods restart only when they are deleted or released");
  if (removed.length > 0 && after === 1) add("medium", "no replica is left");
  else if (removed.length > 0) add("low", "fewer replicas");
  if (primaryVolumeLost) add("high", "the primary's volume is gone");
  if (added.includes(primary)) add("low", "all pods are made anew");
  else if (added.length > foundClaims.length) add("low", "new pods clone the primary");
  else if (added.length > 0) add("low", "new pods catch up with the primary");
  if (grows) add("low", "volumes grow and never shrink again");
  if (reloads) add("low", "running pods reload");
  return reasons;
}

function commitReasons({ pods, settings }: Judged): Reason[] {
  const stop = commitsStop(pods, settings);
  return stop === undefined ? [] : [{ level: "medium", why: `it may be that no commit is acknowledged ${stop}` }];
}

function resourceReasons({ resources }: Judged): Reason[] {
  return resources.flatMap(({ kind, change }): Reason[] => {
    if (change === "keep") return [];
    const lost = change === "replace" || change === "delete";
    if (lost && /^(Service|Secret|ConfigMap)$/.test(kind))
      return [{ level: "medium", why: `a ${kind} that is in use is made anew or goes` }];
    return lost
      ? [{ level: "low", why: `a ${kind} is made anew or goes` }]
      : [{ level: "low", why: "what no setting asks for changes" }];
  });
}
