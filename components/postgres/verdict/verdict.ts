import { type PostgresClusterArgs, withDefaults } from "../args";
import type { Problem } from "../problem";
import { clusterSpec } from "../spec";
import { pathText, startsWith } from "./difference";
import { interruptionOf } from "./interruption";
import { lossesOf } from "./losses";
import { bytes, claimSizes, isMounted, objectsOf, unexplained } from "./objects";
import { type PodsVerdict, podsVerdict } from "./pods";
import { riskOf } from "./risk";
import { settingVerdicts } from "./settings";
import type {
  ChangeClass,
  PlannedChanges,
  PropertyPath,
  ResourceChange,
  ResourceVerdict,
  SettingsChange,
  SettingVerdict,
  Verdict,
} from "./types";

const noPods = { added: [], removed: [], restarted: [], perhaps: [], held: [] };

/** What applying a plan will do to the cluster, its clients and its data. */
export function verdictOf(stack: string, plan: PlannedChanges): Verdict {
  const { settings: known, unchanged, others } = plan;
  // The engine plans side by side: its order is chance, and a comment edited in place should differ only where the plan does.
  const key = ({ kind, name }: ResourceChange): string => `${kind} ${name}`;
  const changes = [...plan.changes].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const isNew = known.known === "new";
  const settings = known.known === "both" ? settingVerdicts(known.before, known.after) : [];
  const pods = podsVerdict(changes);
  const losses = lossesOf(changes);
  const data = dataOf(plan, pods);
  const resources = isNew ? [] : resourceVerdicts(known, changes);
  const grows = changes.some(isGrowth);
  const reloads = changes.some(isReload) && !restartsAll(pods);
  const classes = classesOf({ settings, pods, grows, reloads, replaces: losses.length > 0 });
  const nothing = changes.length === 0 && settings.length === 0 && others === 0;
  return {
    stack,
    outcome: losses.length > 0 ? "destructive" : nothing ? "nothing" : "changes",
    newCluster: isNew,
    classes,
    risk:
      isNew && !data.primaryVolumeLost
        ? { level: "none", why: "nothing runs yet" }
        : riskOf({ pods, losses, settings, resources, reloads, grows, ...data }),
    settings,
    ...(known.known === "after" &&
      changes.length > 0 && {
        settingsUnknown: "The deployed settings are not known; what follows is judged from the objects alone.",
      }),
    pods: listsOf(pods),
    ...data,
    interruption: isNew ? { writers: "nothing", readers: "nothing" } : interruptionOf(pods, losses, settings, changes),
    losses,
    resources,
    changes: changes.map(({ change, kind, name }) => ({ change, kind, name })),
    unchanged,
    others,
    problems: [],
  };
}

/** The verdict on settings that cannot work: nothing happens. */
export function refusal(stack: string, problems: readonly Problem[]): Verdict {
  return {
    stack,
    outcome: "refused",
    newCluster: false,
    classes: ["refused"],
    risk: { level: "none", why: "nothing is changed" },
    settings: [],
    pods: noPods,
    foundClaims: [],
    primaryVolumeLost: false,
    interruption: { writers: "nothing", readers: "nothing" },
    losses: [],
    resources: [],
    changes: [],
    unchanged: 0,
    others: 0,
    problems,
  };
}

/** What becomes of data from before, as the claims that are made anew show it; nothing where nobody looked. */
function dataOf(
  { changes, data, settings }: PlannedChanges,
  { added, anotherCluster }: PodsVerdict,
): Pick<Verdict, "foundClaims" | "primaryVolumeLost"> {
  if (data === undefined || anotherCluster) return { foundClaims: [], primaryVolumeLost: false };
  const made = changes
    .filter(({ change, kind }) => change === "create" && kind === "PersistentVolumeClaim")
    .map(({ name, drifted }) => ({ claim: name.slice(name.lastIndexOf("/") + 1), drifted }));
  const foundClaims = added
    .flatMap((pod) => made.find(({ claim }) => claim.endsWith(`-${pod}`))?.claim ?? [])
    .filter((claim) => data.claims.includes(claim));
  const primary = made.find(({ claim }) => claim.endsWith("-0"));
  // One that was never made is none that is gone.
  const existed = settings.known === "new" ? foundClaims.length > 0 || data.recorded : primary?.drifted !== false;
  return {
    foundClaims,
    primaryVolumeLost: existed && primary !== undefined && !data.claims.includes(primary.claim),
  };
}

function listsOf({ added, removed, restarted, perhaps, held, heldBy }: PodsVerdict): Verdict["pods"] {
  return { added, removed, restarted, perhaps, held, ...(heldBy && { heldBy }) };
}

/** Every pod that stays is restarted, and so reads its files anew. */
const restartsAll = ({ restarted, held }: PodsVerdict): boolean => restarted.length > 0 && held.length === 0;

/** A change of the scripts is one of the template, too; the number of pods that the files hold is no setting of a server. */
function isReload(change: ResourceChange): boolean {
  if (!isMounted(change) || change.change !== "update") return false;
  return change.paths.length === 0 || change.paths.some((path) => !startsWith(path, "data", "replicas"));
}

function isGrowth(change: ResourceChange): boolean {
  if (change.kind !== "PersistentVolumeClaim" || change.change !== "update") return false;
  const { before, after } = claimSizes(change);
  return bytes(after) > bytes(before);
}

interface Found {
  settings: readonly SettingVerdict[];
  pods: PodsVerdict;
  grows: boolean;
  reloads: boolean;
  replaces: boolean;
}

function classesOf({ settings, pods, grows, reloads, replaces }: Found): ChangeClass[] {
  const has = (effect: ChangeClass): boolean => settings.some((setting) => setting.class === effect);
  const found: [ChangeClass, boolean][] = [
    ["replace", replaces],
    ["refused", has("refused")],
    ["restart", !replaces && (pods.templateChanges || pods.perhaps.length > 0 || pods.restarted.length > 0)],
    ["scale", !replaces && (has("scale") || pods.added.length + pods.removed.length > 0)],
    ["grow", grows || has("grow")],
    ["reload", has("reload") || reloads],
  ];
  const classes = found.filter(([, applies]) => applies).map(([effect]) => effect);
  return classes.length > 0 ? classes : ["none"];
}

/** What no setting explains, and what is replaced, deleted or given up. */
function resourceVerdicts(settings: SettingsChange, changes: readonly ResourceChange[]): ResourceVerdict[] {
  const none = new Map<string, unknown>();
  const [before, after] =
    settings.known === "both"
      ? [objectsOf(clusterSpec(settings.before, {})), objectsOf(clusterSpec(settings.after, {}))]
      : [none, none];
  const another = settings.known === "both" && isAnother(settings.before, settings.after);
  return changes.flatMap((change) => {
    if (another && change.change === "create") return [];
    const rest = unexplained(change, before, after);
    if (!tellsMore(change) && (rest === undefined || settings.known === "after")) return [];
    const { kind, name } = change;
    const properties = [...new Set((rest ?? []).map(shortPath))];
    return [{ change: change.change, kind, name, properties, why: why(change, properties) }];
  });
}

/** Whether settings ask for another cluster beside the one that is there. */
function isAnother(before: PostgresClusterArgs, after: PostgresClusterArgs): boolean {
  const [old, now] = [withDefaults(before), withDefaults(after)];
  return old.name !== now.name || old.namespace !== now.namespace;
}

/**
 * Whether a person should know of it also where a setting explains it. Passwords are renewed so, claims stay, and the
 * setting of a NetworkPolicy says all.
 */
function tellsMore({ change, kind }: ResourceChange): boolean {
  const goes = change === "replace" || change === "delete" || change === "keep";
  const told =
    kind === "RandomPassword" || kind === "NetworkPolicy" || (kind === "PersistentVolumeClaim" && change === "keep");
  return goes && !told;
}

/** The scripts have long names and are told by one word. */
function shortPath(path: PropertyPath): string {
  return startsWith(path, "spec", "template", "metadata", "annotations", scriptsAnnotation)
    ? "scripts"
    : pathText(path.slice(0, 6));
}

const scriptsAnnotation = "kubernetes-postgres/scripts";

function why({ change, kind, name, drifted }: ResourceChange, properties: readonly string[]): string {
  switch (change) {
    case "keep":
      return `the stack gives it up; it stays in ${kind === "Key" || kind === "Alias" ? "AWS" : "the cluster"}`;
    case "delete":
      return "the stack no longer has it";
    case "replace":
      return "it cannot change in place";
    case "create":
      if (drifted === undefined) return "missing in the cluster, or new in this version of the program";
      return drifted ? "it is missing in the cluster" : "new in this version of the program";
    case "update":
      if (kind === "ConfigMap" && name.endsWith("-scripts")) return "the scripts in the pods are of another version";
      if (properties.length > 0 && properties.every((property) => property === "scripts"))
        return "the scripts in the pods are of another version";
      if (drifted === undefined) return "changed in the cluster, or made differently by this version of the program";
      return drifted
        ? "it was changed in the cluster, and is set back"
        : "this version of the program makes it differently";
  }
}
