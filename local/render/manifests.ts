import { at, textAt } from "../tools/json";
import { keyPlaceholder, placeholder } from "./placeholder";
import { createdKey, isAuthority, type Plan, type PlannedResource } from "./plan";

/** Folders beside the manifests that can be applied at any time. */
export const folders = {
  /** What a person has to fill in. */
  before: "before-first-start",
  /** What the engine makes once the pods are ready. */
  after: "after-first-start",
} as const;

/** A Kubernetes object of a plan, and the file that it is written to. */
export interface Manifest {
  /** Below the folder of the manifests; made of kind and name, so that it stays the same whatever else changes. */
  path: string;
  kind: string;
  name: string;
  /** Undefined for what belongs to the whole Kubernetes cluster. */
  namespace: string | undefined;
  /** Without secrets. */
  object: Record<string, unknown>;
}

/** `kubectl apply -f` goes by the names of files: what others need is first. What is not named here is in the middle. */
const order = new Map([
  ["Namespace", 10],
  ["StorageClass", 20],
  ["Secret", 30],
  ["ConfigMap", 40],
  ["Service", 50],
  ["NetworkPolicy", 55],
  ["PodDisruptionBudget", 60],
  ["PersistentVolumeClaim", 70],
  ["StatefulSet", 80],
]);
const middle = 65;

/** The mark of a secret value, as the SDK hands it to a provider. */
const secretMark = "4dabf18193072939515e22adb298388d";

/**
 * The Kubernetes objects of a plan in the order in which they are applied, without {@link authoritiesOf} it.
 * @throws Error for a plan that cannot be written as files: a secret outside of a Secret, or two objects of one kind and name.
 */
export function manifestsOf({ resources }: Plan): Manifest[] {
  const later = waitingForPods(resources);
  const manifests = resources
    .filter(({ type, inputs }) => type.startsWith("kubernetes:") && !isAuthority(inputs))
    .map((resource) => manifestOf(resource, later.has(resource.name)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const twice = manifests.find(({ path }, index) => manifests[index + 1]?.path === path);
  if (twice !== undefined) throw new Error(`two objects of the plan would be written to ${twice.path}`);
  return manifests;
}

function manifestOf({ type, name: resource, inputs }: PlannedResource, isLater: boolean): Manifest {
  const kind = textAt(inputs, "kind");
  const name = textAt(inputs, "metadata", "name");
  if (kind === undefined || name === undefined || !/^[a-z0-9][a-z0-9.-]*$/.test(name)) {
    throw new Error(`${type} ${resource} cannot be written as a file: it has no kind, or no name of its own`);
  }
  const file = `${order.get(kind) ?? middle}-${kebab(kind)}-${name}.yaml`;
  const isIncomplete = kind === "Secret" || needsKey(inputs);
  const folder = isIncomplete ? `${folders.before}/` : isLater ? `${folders.after}/` : "";
  const object = Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      const isSecret = kind === "Secret" && (key === "data" || key === "stringData");
      return [key, withoutSecrets(value, { kind, path: [key] }, isSecret)];
    }),
  );
  return { path: `${folder}${file}`, kind, name, namespace: textAt(inputs, "metadata", "namespace"), object };
}

/** Names of the Secrets with an authority: it is generated, so a person makes them once, and no render may write another. */
export function authoritiesOf({ resources }: Plan): { name: string; namespace: string }[] {
  return resources
    .filter(({ inputs }) => isAuthority(inputs))
    .map(({ inputs }) => ({
      name: textAt(inputs, "metadata", "name") ?? "",
      namespace: textAt(inputs, "metadata", "namespace") ?? "",
    }));
}

/** Whether an object is to name a key that is not there before AWS was asked to make it. */
const needsKey = (inputs: unknown): boolean => JSON.stringify(inputs).includes(createdKey);

/** Where a value is: the kind of its object, and the keys that lead to it. */
interface Place {
  kind: string;
  path: readonly string[];
}

/** A value with placeholders instead of what is secret or not known yet. */
function withoutSecrets(value: unknown, { kind, path }: Place, isSecret: boolean): unknown {
  const inside = (key: string, entry: unknown): unknown =>
    withoutSecrets(entry, { kind, path: [...path, key] }, isSecret);
  if (Array.isArray(value)) return value.map((entry, index) => inside(`${index}`, entry));
  if (typeof value === "object" && value !== null) {
    if (secretMark in value) return withoutSecrets(at(value, "value"), { kind, path }, true);
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, inside(key, entry)]));
  }
  if (value === createdKey) return keyPlaceholder;
  if (!isSecret) return value;
  if (kind !== "Secret") throw new Error(`${kind}: ${path.join(".")} is secret, and only a Secret may hold that`);
  return placeholder;
}

/** Names of the resources that the engine makes only when the pods are ready. */
function waitingForPods(resources: readonly PlannedResource[]): ReadonlySet<string> {
  const pods = new Set(resources.filter(({ inputs }) => inputs.kind === "StatefulSet").map(({ name }) => name));
  const waiting = new Set<string>();
  // As often as a chain of dependencies can be long.
  for (const _ of resources) {
    for (const { name, options } of resources) {
      const on = Array.isArray(options.dependsOn) ? options.dependsOn : [];
      if (on.some((other) => pods.has(other) || waiting.has(other))) waiting.add(name);
    }
  }
  return waiting;
}

const kebab = (kind: string): string => kind.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
