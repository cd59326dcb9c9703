import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import { type Cloud, clouds, type Encryption, type Workload, workloads } from "./args";

interface Disk {
  /** Short name of the disk type, part of the class's name. */
  type: string;
  provisioner: string;
  parameters?: Record<string, string>;
  /** Whether the driver can grow a volume. */
  expandable: boolean;
  /** Smallest volume the cloud makes with these parameters, as a Kubernetes quantity. */
  minimumSize: string;
}

const ebs = (type: string, minimumSize: string, parameters: Record<string, string>): Disk => ({
  type,
  minimumSize,
  provisioner: "ebs.csi.aws.com",
  parameters: { type, encrypted: "true", "csi.storage.k8s.io/fstype": "ext4", ...parameters },
  expandable: true,
});

const persistentDisk = (type: string): Disk => ({
  type,
  minimumSize: "10Gi",
  provisioner: "pd.csi.storage.gke.io",
  parameters: { type },
  expandable: true,
});

const azureDisk = (type: string, skuName: string): Disk => ({
  type,
  minimumSize: "1Gi",
  provisioner: "disk.csi.azure.com",
  parameters: { skuName, cachingMode: "None" },
  expandable: true,
});

// Volumes of this provisioner are made by hand or by the embedded node; there is no driver that could grow them.
const localStorage: Disk = {
  type: "local-storage",
  provisioner: "kubernetes.io/no-provisioner",
  expandable: false,
  minimumSize: "1Gi",
};

// 3000 IOPS and 125 MiB/s are gp3's baseline, guaranteed at any size and in its price. io2 takes at most 500 IOPS
// per GiB everywhere (https://docs.aws.amazon.com/ebs/latest/userguide/provisioned-iops.html), so 10000 need 20 GiB.
const gp3 = ebs("gp3", "1Gi", { iops: "3000", throughput: "125" });
const io2 = ebs("io2", "20Gi", { iops: "10000" });

const disks: Record<Cloud, Record<Workload, Disk>> = {
  aws: { development: gp3, production: gp3, "high-performance": io2 },
  gcp: {
    development: persistentDisk("pd-balanced"),
    production: persistentDisk("pd-ssd"),
    "high-performance": persistentDisk("pd-ssd"),
  },
  azure: {
    development: azureDisk("standard-ssd", "StandardSSD_LRS"),
    production: azureDisk("managed-premium", "Premium_LRS"),
    "high-performance": azureDisk("managed-premium", "Premium_LRS"),
  },
  "on-premise": { development: localStorage, production: localStorage, "high-performance": localStorage },
};

/** The parameter that names a key to each cloud's driver. */
const keyParameters: Record<Cloud, string | undefined> = {
  aws: "kmsKeyId",
  gcp: "disk-encryption-kms-key",
  azure: "diskEncryptionSetID",
  "on-premise": undefined,
};

/** The cluster that a class is named after. */
interface Owner {
  name: string;
  namespace: string;
}

export interface StorageClassRequest extends Owner {
  cloud: Cloud;
  workload: Workload;
  keepVolumes: boolean;
  encryption: Encryption;
}

/**
 * Name of the class a cluster creates. Classes belong to the whole Kubernetes cluster, so the name carries
 * the namespace: two stacks never share, and never delete, each other's class. Volumes keep their class and a class its
 * key, so the name carries the key, too.
 */
export function storageClassName(request: StorageClassRequest): string {
  return nameWithoutKey(request, request) + keySuffix(request.encryption);
}

const nameWithoutKey = (
  { name, namespace }: Owner,
  { cloud, workload }: Pick<ClassKind, "cloud" | "workload">,
): string => `${namespace}-${name}-${disks[cloud][workload].type}`;

/** The end of the class's name: which key encrypts its volumes. Empty for that of the cloud. */
export function keySuffix({ createKey, keyId }: Encryption): string {
  if (createKey) return ownKeySuffix;
  return keyId === undefined ? "" : `-${createHash("sha256").update(keyId).digest("hex").slice(0, 8)}`;
}

/** {@link keySuffix} of a key that the cluster made for itself. */
export const ownKeySuffix = "-kms";

/** What a class was created for, as far as its name tells. */
export interface ClassKind {
  cloud: Cloud;
  workload: Workload;
  /** See {@link keySuffix}. */
  key: string;
}

/** What a cluster would create the class of that name for; nothing for a class that it would never create. */
export function kindsOfClass(owner: Owner, className: string): ClassKind[] {
  const kinds = clouds.flatMap((cloud) => workloads.map((workload) => ({ cloud, workload })));
  return kinds.flatMap((kind) => {
    const start = nameWithoutKey(owner, kind);
    const key = className.slice(start.length);
    return className.startsWith(start) && isKeySuffix(kind.cloud, key) ? [{ ...kind, key }] : [];
  });
}

function isKeySuffix(cloud: Cloud, key: string): boolean {
  if (key === "") return true;
  return (
    keyParameters[cloud] !== undefined && (/^-[0-9a-f]{8}$/.test(key) || (cloud === "aws" && key === ownKeySuffix))
  );
}

/** Whether the driver of this cloud's class can grow a volume in place. */
export function isExpandable(cloud: Cloud, workload: Workload): boolean {
  return disks[cloud][workload].expandable;
}

/** Smallest volume the cloud makes for this class, a Kubernetes quantity. */
export function minimumStorageSize(cloud: Cloud, workload: Workload): string {
  return disks[cloud][workload].minimumSize;
}

/**
 * The cloud's StorageClass. Binding waits for the pod, so that the volume is made in the pod's zone
 * (https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode).
 * @param ownKey the key that was made for the cluster, where it has one.
 */
export function storageClass(
  request: StorageClassRequest,
  labels: Record<string, string>,
  ownKey?: Input<string>,
): types.input.storage.v1.StorageClass {
  const disk = disks[request.cloud][request.workload];
  const key = ownKey ?? request.encryption.keyId;
  const keyParameter = keyParameters[request.cloud];
  const encrypted = key !== undefined && keyParameter !== undefined ? { [keyParameter]: key } : {};
  return {
    metadata: { name: storageClassName(request), labels },
    provisioner: disk.provisioner,
    ...(disk.parameters && { parameters: { ...disk.parameters, ...encrypted } }),
    reclaimPolicy: request.keepVolumes ? "Retain" : "Delete",
    allowVolumeExpansion: disk.expandable,
    volumeBindingMode: "WaitForFirstConsumer",
  };
}
