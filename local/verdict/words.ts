import type { ChangeClass, DerivedChange, Verdict } from "../../components/postgres/verdict/types";

/** The classes as a headline has them. */
const classWords: Record<ChangeClass, string> = {
  replace: "DESTRUCTIVE, pods or data go with what is deleted or replaced",
  refused: "refused",
  restart: "rolling restart",
  scale: "scale",
  grow: "growth of volumes",
  reload: "reload",
  none: "nothing that a pod notices",
};

/** What happens, in a few words. */
export function headline(verdict: Verdict): string {
  const { outcome, classes, pods, newCluster, foundClaims, primaryVolumeLost, problems } = verdict;
  if (outcome === "refused")
    return `refused, ${problems.length} ${problems.length === 1 ? "setting" : "settings"} cannot work`;
  if (outcome === "nothing") return "no changes";
  const count = `${pods.added.length} ${pods.added.length === 1 ? "pod" : "pods"}`;
  if (newCluster && primaryVolumeLost) return `a cluster of ${count}, whose primary has lost its volume`;
  if (newCluster && foundClaims.length > 0) return `a cluster of ${count}, on data from before`;
  if (newCluster) return `a new cluster of ${count}`;
  return outcome === "destructive" ? classWords.replace : classes.map((one) => classWords[one]).join(" and ");
}

/** What there is to know, each with its label; only what applies. */
export function facts(verdict: Verdict): [label: string, words: string][] {
  const { interruption, risk, losses, changes, unchanged, others } = verdict;
  if (verdict.outcome === "nothing" || verdict.outcome === "refused") return [];
  const quiet = interruption.writers === "nothing" && interruption.readers === "nothing";
  const clients: [string, string][] = quiet
    ? [["Clients", "notice nothing"]]
    : [
        ["Writers", interruption.writers],
        ["Readers", interruption.readers],
      ];
  const rows: [string, string][] = [
    ...losses.map(({ what, means }): [string, string] => ["Lost", `${what}: ${means}`]),
    ...(podWords(verdict).length > 0 ? [["Pods", podWords(verdict).join("; ")] satisfies [string, string]] : []),
    ...dataWords(verdict).map((words): [string, string] => ["Data", words]),
    ...(verdict.newCluster ? [] : clients),
    ["Risk", `${risk.level}: ${risk.why}`],
    ...besides(verdict).map((words): [string, string] => ["Also", words]),
    ["Objects", `${objects(changes)}${unchanged > 0 ? ` (${unchanged} unchanged)` : ""}`],
  ];
  return others > 0 ? [...rows, ["Others", `${others} more resources of the stack change`]] : rows;
}

function dataWords({ foundClaims, primaryVolumeLost }: Verdict): string[] {
  return [
    ...(foundClaims.length > 0 ? [`new pods go on from the volumes of ${shortened(foundClaims, 6)}`] : []),
    ...(primaryVolumeLost
      ? [
          "the primary's volume is gone: with recoverPrimaryFrom it is built from that replica; without, it refuses to start " +
            "while a replica or the latch's ConfigMap says that there was data, and is empty otherwise",
        ]
      : []),
  ];
}

function podWords({ pods, classes }: Verdict): string[] {
  const { added, removed, restarted, perhaps, held, heldBy } = pods;
  const are = (names: readonly string[], one: string, more: string): string =>
    `${inOrder(names)} ${names.length === 1 ? one : more}`;
  const until = heldBy === "OnDelete" ? "until you delete them" : "while updateStrategy.partition holds them";
  const words: [readonly string[], one: string, more: string][] = [
    [removed, "goes", "go, one after the other"],
    [restarted, "restarts", "restart, one after the other"],
    [perhaps, "restarts if an update waits for it", "restart if an update waits for them"],
    [held, `is not restarted ${until}`, `are not restarted ${until}`],
    [added, "is new", "are new"],
  ];
  return [
    ...words.filter(([names]) => names.length > 0).map((row) => are(...row)),
    ...(classes.includes("reload") ? ["all take over within about a minute what needs no restart"] : []),
  ];
}

/** Pods in the order given; many by the first and the last. */
const inOrder = (names: readonly string[]): string =>
  names.length > 4 ? `${names[0]} to ${names.at(-1)}` : names.join(", ");

/** What no setting explains, once for each reason; what is lost is told already. */
function besides({ resources, losses }: Verdict): string[] {
  const told = resources.filter(({ kind, name }) => !losses.some(({ what }) => what.startsWith(`${kind} ${name} `)));
  return [...new Set(told.map(({ why }) => why))].map((why) => {
    const objects = told
      .filter((resource) => resource.why === why)
      .map(({ change, kind, name, properties }) => {
        const which = properties.length > 0 ? ` (${shortened(properties, 4)})` : "";
        return `${change} ${kind} ${name}${which}`;
      });
    return `${shortened(objects, 4)}: ${why}`;
  });
}

/** What changes, in the engine's words: `update ConfigMap, StatefulSet`. */
function objects(changes: Verdict["changes"]): string {
  if (changes.length === 0) return "none";
  const operations = [...new Set(changes.map(({ change }) => change))];
  return operations
    .map((operation) => {
      const kinds = changes.filter(({ change }) => change === operation).map(({ kind }) => kind);
      const counted = [...new Set(kinds)].sort().map((kind) => {
        const count = kinds.filter((other) => other === kind).length;
        return count === 1 ? kind : `${count} ${kind}`;
      });
      return `${operation} ${counted.join(", ")}`;
    })
    .join("; ");
}

/** What follows from a setting, as one reads it. */
export const derivedWords = ({ name, before, after }: DerivedChange): string =>
  `${name} ${oneLine(before, 40)} -> ${oneLine(after, 40)}`;

/** The first of a list, and how many there are beside. */
export function shortened(words: readonly string[], most: number): string {
  const rest = words.length - most;
  return rest > 0 ? `${words.slice(0, most).join(", ")} and ${rest} more` : words.join(", ");
}

/** A value on one line, its end left out where it is long. */
export function oneLine(value: string, longest = 60): string {
  const line = value.replace(/\s+/g, " ");
  return line.length > longest ? `${line.slice(0, longest)}...` : line;
}
