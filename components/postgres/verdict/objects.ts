import { generatedKeys, passwordKey } from "../additions/files";
import { configData } from "../config";
import { fixedFieldProblems } from "../fixed-fields";
import { majorOfImage } from "../image";
import { aliasPrefix, ownKey } from "../key";
import { networkPolicy } from "../network-policy";
import { parseBytes } from "../quantity";
import { recordAnnotations, recordProblems } from "../record";
import { headlessService, primaryService } from "../services";
import type { ClusterSpec } from "../spec";
import { podDisruptionBudget, statefulSet } from "../stateful-set";
import { storageClass } from "../storage-class";
import { certificateSpec } from "../tls/certificate";
import { differences, overlap, startsWith, valueAt } from "./difference";
import type { ChangeClass, DerivedChange, PropertyPath, ResourceChange } from "./types";

/** The objects of a cluster as far as they follow from its settings, by kind and name; passwords by what renews them. */
export function objectsOf(spec: ClusterSpec): Map<string, unknown> {
  const { names, namespace, namespaceLabels, storageSize } = spec;
  const passwords = passwordsOf(spec);
  const ordinals = Array.from({ length: spec.replicas }, (_, ordinal) => ordinal);
  return new Map<string, unknown>([
    ...(spec.createNamespace ? [[`Namespace ${namespace}`, { labels: namespaceLabels }] as const] : []),
    ...(spec.storageClass === undefined
      ? []
      : [[`StorageClass ${spec.storageClassName}`, storageClass(spec.storageClass, spec.labels)] as const]),
    ...(spec.encryption.createKey
      ? ([
          ["Key", ownKey(spec)],
          ["Alias", aliasPrefix(spec)],
        ] as const)
      : []),
    ["RandomPassword", passwords],
    [`Secret ${namespace}/${names.secret}`, passwords],
    ...certificateObjects(spec),
    [`ConfigMap ${namespace}/${names.configMap}`, { data: configData(spec) }],
    [latchKey(spec), { metadata: { annotations: recordAnnotations(spec) } }],
    [`Service ${namespace}/${names.headlessService}`, headlessService(spec)],
    [`Service ${namespace}/${names.primaryService}`, primaryService(spec)],
    ...(spec.networkPolicy.enabled
      ? [[`NetworkPolicy ${namespace}/${names.networkPolicy}`, networkPolicy(spec)] as const]
      : []),
    [`PodDisruptionBudget ${namespace}/${names.podDisruptionBudget}`, podDisruptionBudget(spec)],
    [`StatefulSet ${namespace}/${names.statefulSet}`, statefulSet(spec)],
    ...ordinals.map(
      (ordinal) => [claimKey(spec, ordinal), { spec: { resources: { requests: { storage: storageSize } } } }] as const,
    ),
  ]);
}

/** What the pods' certificates come from. */
function certificateObjects(spec: ClusterSpec): [string, unknown][] {
  const { names, namespace, tls } = spec;
  switch (tls.mode) {
    case "self-signed":
      return [[`Secret ${namespace}/${names.authoritySecret}`, { authority: "generated" }]];
    case "cert-manager":
      return [[`Certificate ${namespace}/${names.certificate}`, { spec: certificateSpec(spec) }]];
    default:
      return [];
  }
}

/** What passwords there are follows from, and what renews them. */
function passwordsOf(spec: ClusterSpec): unknown {
  const keys = [...Object.values(generatedKeys(spec)), ...spec.roles.map(({ name }) => passwordKey(name)).sort()];
  return { generation: spec.passwordGeneration, keys };
}

/** It notes what the data is. */
const latchKey = ({ namespace, names }: ClusterSpec): string => `ConfigMap ${namespace}/${names.latchConfigMap}`;

const claimKey = ({ namespace, names }: ClusterSpec, ordinal: number): string =>
  `PersistentVolumeClaim ${namespace}/${names.claim}-${names.statefulSet}-${ordinal}`;

/** What a change of settings does to a cluster that runs, as its objects show it: the gravest of what differs. */
export function classBetween(before: ClusterSpec, after: ClusterSpec): ChangeClass {
  if (isFixed(before, after)) return "refused";
  const [size, newSize] = [bytes(before.storageSize), bytes(after.storageSize)];
  const set = differences(statefulSet(before), statefulSet(after));
  if (set.some((path) => startsWith(path, "spec", "template"))) return "restart";
  if (set.some((path) => startsWith(path, "spec", "replicas"))) return "scale";
  if (newSize > size) return "grow";
  return differences(mounted(before), mounted(after)).length > 0 ? "reload" : "none";
}

/** Whether a cluster that exists cannot become the other. A change that a person made in the data by hand can be acknowledged. */
function isFixed(before: ClusterSpec, after: ClusterSpec): boolean {
  const record = { ...before, major: majorOfImage(before.image) };
  return recordProblems(after, record).length > 0 || fixedFieldProblems(after, before).length > 0;
}

function mounted(spec: ClusterSpec): unknown {
  return { files: configData(spec), passwords: passwordsOf(spec) };
}

/** Bytes of a quantity; settings that cannot be read never come this far. */
export function bytes(quantity: string): number {
  const reading = parseBytes(quantity);
  return reading.ok ? reading.value : 0;
}

/** What changes with a setting beside itself: computed settings of PostgreSQL, and what each pod asks for. */
export function derivedChanges(before: ClusterSpec, after: ClusterSpec): DerivedChange[] {
  const [old, now] = [derived(before), derived(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name) ?? "none", after: now.get(name) ?? "none" }))
    .filter((change) => change.before !== change.after);
}

function derived({ postgresqlConf, resources, shmSize }: ClusterSpec): Map<string, string> {
  const { requests, limits } = resources;
  return new Map([
    ["resources.requests.cpu", requests.cpu],
    ["resources.requests.memory", requests.memory],
    ["resources.limits.cpu", limits.cpu],
    ["resources.limits.memory", limits.memory],
    ["/dev/shm", shmSize],
    ...parametersOf(postgresqlConf),
  ]);
}

/** The parameters of postgresql.conf as this program writes it, a line each. */
function parametersOf(postgresqlConf: string): [name: string, value: string][] {
  return postgresqlConf
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const end = line.indexOf(" = ");
      return [line.slice(0, end), line.slice(end + 3)];
    });
}

/** Kinds that are no objects of Kubernetes, and have no name of the cluster's. */
const nameless: ReadonlySet<string> = new Set(["RandomPassword", "Key", "Alias"]);

/** The part of a planned change that these settings do not explain; undefined where they explain all of it. */
export function unexplained(
  { change, kind, name, paths }: ResourceChange,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): PropertyPath[] | undefined {
  const key = nameless.has(kind) ? kind : `${kind} ${name}`;
  const [old, now] = [before.get(key), after.get(key)];
  const expected = differences(old, now);
  const whole = /^RandomPassword$|^Secret |^ConfigMap .*-latch$/.test(key) || old === undefined || now === undefined;
  if (expected.length > 0 && (whole || change === "create")) return undefined;
  if (change !== "update") return [];
  const rest = paths.filter((path) => !expected.some((other) => overlap(path, other)));
  return rest.length === 0 && paths.length > 0 ? undefined : rest;
}

/** Whether the pods of this change have it mounted. */
export function isMounted({ kind, name }: ResourceChange): boolean {
  return kind === "Secret" || (kind === "ConfigMap" && /-(config|scripts)$/.test(name));
}

/** The size that a claim asks for, in bytes, before and after a change. */
export function claimSizes({ before, after }: ResourceChange): { before: string; after: string } {
  const size = (inputs: unknown): string => `${valueAt(inputs, "spec", "resources", "requests", "storage") ?? ""}`;
  return { before: size(before), after: size(after) };
}
