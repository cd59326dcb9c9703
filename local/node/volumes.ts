import { chmodSync, chownSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { listAt, textAt } from "../tools/json";
import { LocalError, until } from "../tools/run";
import { type Api, adminApi } from "./api";
import { savedNetwork } from "./network";
import { nodeName, paths } from "./settings";

/** Volumes a stack needs of the embedded node. */
export interface VolumesWanted {
  /** The stack's StorageClass; its volumes are counted by it, so each stack has its own. */
  storageClassName: string;
  /** A Kubernetes quantity, for example "10Gi". Not enforced: the volumes are folders of one disk. */
  size: string;
  /** Number of pods. */
  count: number;
}

/** A PersistentVolume as far as it matters here. */
export interface Volume {
  name: string;
  /** Available, Bound, Released, Failed or Pending. */
  phase: string;
  size: string;
  /** Namespace and name of the claim it belongs or belonged to. */
  claim?: { namespace: string; name: string };
  /** When it came into its phase, as an ISO time; "" where that is unknown. */
  since?: string;
}

const managedBy = "kubernetes-postgres-node";
const collection = "/api/v1/persistentvolumes";
/** The user of PostgreSQL's images; kubelet changes the group to the pod's fsGroup. */
const owner = 999;

function nodeApi(): Api {
  const at = paths();
  const network = savedNetwork(at);
  if (network === undefined) throw new LocalError("The embedded node was never started. Start it with: npm run up");
  return adminApi(at, network);
}

/** The volumes of a class, in the order of their names. */
export async function listVolumes(storageClassName: string, api: Api = nodeApi()): Promise<Volume[]> {
  const answer = await api.get(`${collection}?labelSelector=app.kubernetes.io/managed-by=${managedBy}`);
  return listAt(answer, "items")
    .filter((item) => textAt(item, "spec", "storageClassName") === storageClassName)
    .map(readVolume)
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

function readVolume(item: unknown): Volume {
  const claimName = textAt(item, "spec", "claimRef", "name");
  return {
    name: textAt(item, "metadata", "name") ?? "",
    phase: textAt(item, "status", "phase") ?? "Pending",
    size: textAt(item, "spec", "capacity", "storage") ?? "",
    since: textAt(item, "status", "lastPhaseTransitionTime") ?? textAt(item, "metadata", "creationTimestamp") ?? "",
    ...(claimName === undefined
      ? {}
      : { claim: { namespace: textAt(item, "spec", "claimRef", "namespace") ?? "", name: claimName } }),
  };
}

/** Names for volumes that have to be made so that `count` can be used: the lowest numbers that are free. */
export function namesToMake(volumes: readonly Volume[], storageClassName: string, count: number): string[] {
  const usable = volumes.filter((volume) => volume.phase !== "Released" && volume.phase !== "Failed").length;
  const taken = new Set(volumes.map((volume) => volume.name));
  const names: string[] = [];
  for (let number = 0; names.length < count - usable; number += 1) {
    const name = `${storageClassName}-${number}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}

/**
 * Makes local volumes until `count` of the class are free or in use. A Released one (its claim was deleted, its data
 * is still there) is not touched. Free ones follow a changed size.
 */
export async function ensureVolumes(wanted: VolumesWanted): Promise<void> {
  const api = nodeApi();
  const { storageClassName, size } = wanted;
  const volumes = await listVolumes(storageClassName, api);
  const resized = volumes.filter((volume) => volume.phase === "Available" && volume.size !== size);
  const names = [...resized.map((volume) => volume.name), ...namesToMake(volumes, storageClassName, wanted.count)];
  await Promise.all(
    names.map(async (name) => {
      const path = join(paths().volumes, name);
      mkdirSync(path, { recursive: true });
      chownSync(path, owner, owner);
      chmodSync(path, 0o2770);
      await api.apply(`${collection}/${name}`, localVolume(name, path, storageClassName, size));
      await offer(api, name);
    }),
  );
}

/**
 * Waits until a new volume can be claimed and then touches it: a pod that was already waiting for one is tried again when
 * a volume changes, and the scheduler was seen to look before it was Available and not again for minutes.
 */
async function offer(api: Api, name: string): Promise<void> {
  const path = `${collection}/${name}`;
  await until(async () => textAt(await api.get(path), "status", "phase") !== "Pending", 5_000, 50);
  await api.mergePatch(path, {
    metadata: { annotations: { "kubernetes-postgres/offered": new Date().toISOString() } },
  });
}

const localVolume = (name: string, path: string, storageClassName: string, size: string) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name, labels: { "app.kubernetes.io/managed-by": managedBy } },
  spec: {
    capacity: { storage: size },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName,
    local: { path },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [nodeName] }] },
        ],
      },
    },
  },
});

/** Namespace and name of the claim a volume belongs or belonged to, as `namespace/name`. */
const claimOf = ({ claim }: Volume): string | undefined => claim && `${claim.namespace}/${claim.name}`;

/**
 * Released volumes whose deleted claim is to get them back when it is made again. Where a claim of that name lives, or
 * another volume waits for it, the Released one was given up (a repaired replica left it behind) and stays as it is. Of
 * several the one released last has the newest data.
 * @param live the claims that exist, as `namespace/name`.
 */
export function volumesToReattach(volumes: readonly Volume[], live: ReadonlySet<string>): Volume[] {
  const served = new Set(volumes.filter(({ phase }) => phase !== "Released" && phase !== "Failed").map(claimOf));
  const chosen = new Map<string, Volume>();
  for (const volume of volumes) {
    const claim = claimOf(volume);
    if (volume.phase !== "Released" || claim === undefined || live.has(claim) || served.has(claim)) continue;
    const best = chosen.get(claim);
    if (best === undefined || Date.parse(volume.since ?? "") > (Date.parse(best.since ?? "") || 0))
      chosen.set(claim, volume);
  }
  return [...chosen.values()];
}

/** The Released volumes of a class that the next claims of the same namespace and name are to have. */
async function releasedVolumes(storageClassName: string, api: Api): Promise<Volume[]> {
  const volumes = await listVolumes(storageClassName, api);
  const released = volumes.flatMap(({ phase, claim }) => (phase === "Released" && claim ? [claim] : []));
  const live = new Set<string>();
  for (const { namespace, name } of released) {
    const claim = await api.get(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`);
    if (claim !== undefined) live.add(`${namespace}/${name}`);
  }
  return volumesToReattach(volumes, live);
}

const claimsOf = (volumes: readonly Volume[]): string[] => volumes.map(claimOf).filter((claim) => claim !== undefined);

/** The claims, as `namespace/name`, whose data {@link reattachVolumes} would keep. Changes nothing. */
export async function claimsToReattach(storageClassName: string): Promise<string[]> {
  return claimsOf(await releasedVolumes(storageClassName, nodeApi()));
}

/**
 * Keeps Released volumes of a class, with their data, for the next claims of the same namespace and name: for a
 * namespace that was deleted and is made again. Returns those claims, as `namespace/name`.
 */
export async function reattachVolumes(storageClassName: string): Promise<string[]> {
  const api = nodeApi();
  const chosen = await releasedVolumes(storageClassName, api);
  for (const { name } of chosen) {
    // Without the old claim's uid the volume is kept for the next claim of that name.
    await api.mergePatch(`${collection}/${name}`, { spec: { claimRef: { uid: null, resourceVersion: null } } });
  }
  return claimsOf(chosen);
}

/** Deletes the volumes of a class for good: their claims, the volumes, the data. Pods that use them must be gone. */
export async function releaseVolumes(storageClassName: string): Promise<void> {
  const api = nodeApi();
  const volumes = await listVolumes(storageClassName, api);
  await Promise.all(volumes.map((volume) => releaseVolume(api, volume)));
}

async function releaseVolume(api: Api, { name, claim }: Volume): Promise<void> {
  if (claim !== undefined) {
    const path = `/api/v1/namespaces/${claim.namespace}/persistentvolumeclaims/${claim.name}`;
    await api.remove(path);
    const gone = await until(async () => (await api.get(path)) === undefined, 60_000, 200);
    if (!gone) {
      throw new LocalError(
        `The data of claim ${claim.name} in namespace ${claim.namespace} was not deleted: a pod still uses it.\n` +
          `Delete the pod (kubectl -n ${claim.namespace} get pods), then try again.`,
      );
    }
  }
  await api.remove(`${collection}/${name}`);
  await until(async () => (await api.get(`${collection}/${name}`)) === undefined, 10_000, 100);
  rmSync(join(paths().volumes, name), { recursive: true, force: true });
}
