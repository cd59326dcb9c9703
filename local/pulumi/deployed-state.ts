import type { FixedFields } from "../../components/postgres/fixed-fields";
import { type DataRecord, readRecord } from "../../components/postgres/record";
import { at, listAt, parseJson, textAt } from "../tools/json";
import { kindOfType } from "./checkpoint";
import type { PublicOutputs } from "./outputs";

/** What a deployment says of itself and what can never change in place. */
export type DeployedNames = Pick<PublicOutputs, "namespace" | "service" | "database" | "user">;

/** Where the cluster of a stack is in Kubernetes: whoever has it there has its volumes. */
export interface Place {
  namespace: string;
  /** Of the StatefulSet. */
  name: string;
}

/** What the last deployment left in the stack's state. */
export interface DeployedState {
  /** Undefined where it did not come to its end. */
  names: DeployedNames | undefined;
  /** Namespace and name of the StatefulSet; undefined where there is none. */
  place: Place | undefined;
  /** Of the StatefulSet; undefined where there is none. */
  fixedFields: FixedFields | undefined;
  /** Of the StatefulSet's pods. */
  image?: string | undefined;
  /** What the latch says of the data; undefined where the pods were never ready. */
  record?: DataRecord | undefined;
  /** Whether the volumes are deleted together with the StatefulSet. */
  losesVolumes: boolean;
  /** Names of the StorageClasses that the stack made. */
  storageClasses: readonly string[];
  /** Names of the namespaces that the stack made. */
  namespaces: readonly string[];
  /** Names of those of them that are deleted once the program no longer makes them. */
  lostNamespaces: readonly string[];
}

/** @param text a checkpoint file, or what `pulumi stack export` prints; undefined where it holds no deployment. */
export function readState(text: string): DeployedState | undefined {
  let resources: unknown[];
  try {
    const state = parseJson(text);
    resources = [...listAt(state, "checkpoint", "latest", "resources"), ...listAt(state, "deployment", "resources")];
  } catch {
    return undefined;
  }
  if (resources.length === 0) return undefined;
  const ofKind = (kind: string): unknown[] =>
    resources.filter((resource) => kindOfType(textAt(resource, "type") ?? "") === kind);
  const namesOf = (found: unknown[]): string[] =>
    found.map((resource) => textAt(resource, "inputs", "metadata", "name")).filter((name) => name !== undefined);
  const set = at(ofKind("StatefulSet")[0], "inputs", "spec");
  const latch = ofKind("ConfigMap").find((map) => textAt(map, "inputs", "metadata", "name")?.endsWith("-latch"));
  return {
    names: readNames(at(ofKind("Stack")[0], "outputs")),
    place: readPlace(at(ofKind("StatefulSet")[0], "inputs", "metadata")),
    fixedFields: readFixedFields(set),
    image: readImage(set),
    record: readLatch(at(latch, "inputs")),
    losesVolumes: textAt(set, "persistentVolumeClaimRetentionPolicy", "whenDeleted") === "Delete",
    storageClasses: namesOf(ofKind("StorageClass")),
    namespaces: namesOf(ofKind("Namespace")),
    lostNamespaces: namesOf(ofKind("Namespace").filter((resource) => at(resource, "retainOnDelete") !== true)),
  };
}

/** @param texts that name a place; undefined where they do not. */
export function readPlace(texts: unknown): Place | undefined {
  const [namespace, name] = [textAt(texts, "namespace"), textAt(texts, "name")];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** @param set `spec` of a StatefulSet; undefined where there is none. */
export function readFixedFields(set: unknown): FixedFields | undefined {
  const podManagementPolicy = textAt(set, "podManagementPolicy");
  const claim = at(set, "volumeClaimTemplates", 0, "spec");
  const storageClassName = textAt(claim, "storageClassName");
  const storageSize = textAt(claim, "resources", "requests", "storage");
  if (podManagementPolicy === undefined || storageClassName === undefined || storageSize === undefined)
    return undefined;
  return { podManagementPolicy, storageClassName, storageSize };
}

/** @param set `spec` of a StatefulSet; undefined where there is none. */
export const readImage = (set: unknown): string | undefined =>
  textAt(set, "template", "spec", "containers", 0, "image");

/** @param latch a ConfigMap; undefined where there is none. */
export function readLatch(latch: unknown): DataRecord | undefined {
  return latch === undefined ? undefined : readRecord(readTexts(at(latch, "metadata", "annotations")));
}

/** Labels or annotations of an object of any kind. */
export function readTexts(texts: unknown): Record<string, string> {
  if (typeof texts !== "object" || texts === null) return {};
  return Object.fromEntries(Object.keys(texts).map((key) => [key, textAt(texts, key) ?? ""]));
}

function readNames(outputs: unknown): DeployedNames | undefined {
  const [namespace, service] = [textAt(outputs, "namespace"), textAt(outputs, "service")];
  const [database, user] = [textAt(outputs, "database"), textAt(outputs, "user")];
  if (namespace === undefined || service === undefined || database === undefined || user === undefined)
    return undefined;
  return { namespace, service, database, user };
}
