import { valueAt } from "../../../components/postgres/verdict/difference";
import type { PlannedResource } from "../plan";
import type { Edit } from "./edit";

type Deployed = NonNullable<Edit["deployed"]>;

/** Changes the inputs of what is deployed of a kind. */
const changed =
  (kind: string, change: (inputs: Record<string, unknown>) => void): Deployed =>
  (resources) => {
    const all = resources.filter(({ type }) => type.endsWith(`:${kind}`));
    if (all.length === 0) throw new Error(`nothing of kind ${kind} is deployed`);
    for (const { inputs } of all) change(inputs);
    return resources;
  };

const without =
  (kind: string): Deployed =>
  (resources) =>
    resources.filter(({ type }) => !type.endsWith(`:${kind}`));

const withoutService =
  (goes: (name: string) => boolean): Deployed =>
  (resources) =>
    resources.filter(
      ({ type, inputs }) => !(type.endsWith(":Service") && goes(`${valueAt(inputs, "metadata", "name")}`)),
    );

/** What remains when somebody deletes the namespace. */
const withoutNamespaced: Deployed = (resources) =>
  resources.filter(
    ({ type }) =>
      !/:(Namespace|Secret|ConfigMap|Service|NetworkPolicy|PodDisruptionBudget|StatefulSet|PersistentVolumeClaim)$/.test(
        type,
      ),
  );

/** Puts a value where one is. */
function put(tree: unknown, path: (string | number)[], value: unknown): void {
  const parent = valueAt(tree, ...path.slice(0, -1));
  const key = path.at(-1);
  if (typeof parent !== "object" || parent === null || key === undefined) throw new Error(`there is no ${path}`);
  Reflect.set(parent, key, value);
}

const set = (path: (string | number)[], value: unknown): Deployed =>
  changed("StatefulSet", (inputs) => put(inputs, path, value));

const olderScripts: Deployed = (resources) => {
  for (const { name, inputs } of resources) if (name.endsWith("-scripts")) put(inputs, ["data", "lib.sh"], "older");
  return set(["spec", "template", "metadata", "annotations", "kubernetes-postgres/scripts"], "older")(resources);
};

const claim: PlannedResource = {
  type: "kubernetes:core/v1:PersistentVolumeClaim",
  name: "postgres-data-9",
  options: {},
  inputs: { metadata: { name: "data-postgres-9", namespace: "n" } },
};

/** What is found in the cluster, by the words of edits.md. */
const tampered = new Map<string, Deployed>([
  ["another image", set(["spec", "template", "spec", "containers", 0, "image"], "own:1")],
  ["5 pods", set(["spec", "replicas"], 5)],
  ["no PodDisruptionBudget", without("PodDisruptionBudget")],
  ["no NetworkPolicy", without("NetworkPolicy")],
  ["no StatefulSet", without("StatefulSet")],
  ["no Service", without("Service")],
  ["no primary Service", withoutService((name) => name.endsWith("-primary"))],
  ["no pods' Service", withoutService((name) => !name.endsWith("-primary"))],
  ["no claims in the state", without("PersistentVolumeClaim")],
  ["nothing that is the namespace's", withoutNamespaced],
  ["older scripts", olderScripts],
  ["a further claim", (resources) => [...resources, claim]],
]);

/** What an earlier version leaves, that did not note its settings. */
const noSettings = changed("PostgresCluster", (inputs) => {
  for (const key of Object.keys(inputs)) delete inputs[key];
});

const status = (updatedReplicas: number, observedGeneration: number): unknown => ({
  metadata: { generation: 7 },
  status: { observedGeneration, replicas: 3, updatedReplicas },
});

/** @param words of edits.md; empty for a cluster that is as it was deployed. */
export function found(words: string): Pick<Edit, "deployed" | "live" | "isNew" | "tampered"> {
  const deployed = tampered.get(words);
  if (deployed !== undefined) return { deployed, tampered: true };
  if (words === "no settings noted") return { deployed: noSettings };
  if (words === "nothing") return { isNew: true };
  if (words === "an old status") return { live: status(3, 6) };
  const updated = /^(\d) of 3 updated$/.exec(words)?.[1];
  if (updated !== undefined) return { live: status(Number(updated), 7) };
  if (words !== "") throw new Error(`edits.md: nobody knows what "${words}" is`);
  return {};
}
