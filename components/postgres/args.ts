import { type CompleteTls, type TlsArgs, tlsWithDefaults } from "./tls/args";

// Choices are objects, for Pulumi's schema of the component: it has no other form for a type of a few words.

/** Where the cluster runs; decides the provisioner of the StorageClass. */
export const Cloud = { Aws: "aws", Gcp: "gcp", Azure: "azure", OnPremise: "on-premise" } as const;
export type Cloud = (typeof Cloud)[keyof typeof Cloud];
export const clouds = Object.values(Cloud);

/** What the volumes are for; decides the disk type and the default resources. */
export const Workload = {
  Development: "development",
  Production: "production",
  HighPerformance: "high-performance",
} as const;
export type Workload = (typeof Workload)[keyof typeof Workload];
export const workloads = Object.values(Workload);

/** Whether pods start one by one or all at once. */
export const PodManagementPolicy = { OrderedReady: "OrderedReady", Parallel: "Parallel" } as const;
export type PodManagementPolicy = (typeof PodManagementPolicy)[keyof typeof PodManagementPolicy];
export const podManagementPolicies = Object.values(PodManagementPolicy);

/** How pods are replaced when their template changes. */
export const UpdateStrategyType = { RollingUpdate: "RollingUpdate", OnDelete: "OnDelete" } as const;
export type UpdateStrategyType = (typeof UpdateStrategyType)[keyof typeof UpdateStrategyType];
export const updateStrategies = Object.values(UpdateStrategyType);

/** CPU and memory as Kubernetes quantities, e.g. `500m` and `512Mi`. */
export interface ResourceQuantities {
  cpu: string;
  memory: string;
}

/**
 * What each pod asks for and may use. The memory limit also sets PostgreSQL's own memory settings.
 * A change rolls the pods, replicas first.
 */
export interface Resources {
  requests: ResourceQuantities;
  limits: ResourceQuantities;
}

export interface UpdateStrategy {
  /** `RollingUpdate` replaces pods one by one, the primary last; `OnDelete` waits until you delete them. */
  type: UpdateStrategyType;
  /** With `RollingUpdate`: only pods with this ordinal or a higher one are updated (a canary). Default 0: all. */
  partition: number;
}

/** A login role beside the app's. An existing role of that name is left as it is, but for its password and missing memberships. */
export interface RoleArgs {
  /** Letters a-z, digits and `_`. Its generated password is in the Secret under `PASSWORD_<name>`. */
  name: string;
  /**
   * Roles whose rights it has: others of `roles`, the setting `user`, `readonly`, `monitoring`, or PostgreSQL's own such as
   * `pg_read_all_data`, which reads the verifiers of all passwords as well (`pg_authid`). Default none.
   */
  memberOf?: string[];
}

/** A database beside the app's. An existing one of that name is left as it is. */
export interface DatabaseArgs {
  /** Letters a-z, digits, `_` and `-`. */
  name: string;
  /** The setting `user`, or one of `roles`. Default: the setting `user`. */
  owner?: string;
}

/** An extension in one database. An existing one is left as it is, in its version. */
export interface ExtensionArgs {
  /** Name as `CREATE EXTENSION` takes it; the image must have it. */
  name: string;
  /** The setting `database`, one of `databases`, or `postgres`. Default: the setting `database`. */
  database?: string;
}

/**
 * What a person changed in the data by hand. Each says what the data is now, and so opens that one change of `image`,
 * `database` or `user`: one that is left over is refused at the next change. Once deployed it can be taken out.
 */
export interface AcknowledgeArgs {
  /** Major version of PostgreSQL that the volumes were upgraded to, with pg_upgrade. Default: none. Pods are not touched. */
  major?: number;
  /** What the app's database was renamed to, in SQL. Default: none. Pods are not touched. */
  database?: string;
  /** What the app's role was renamed to, in SQL. Default: none. Pods are not touched. */
  user?: string;
}

/** Pods that may connect. All that an entry says must hold; one that says nothing is refused, since it would be everyone. */
export interface NetworkClientArgs {
  /** Name of their namespace. Default: any that `namespaceLabels` select, or else the cluster's own. */
  namespace?: string;
  /** Labels that their namespace must have. Default: it needs none. */
  namespaceLabels?: Record<string, string>;
  /** Labels that they must have. Default: they need none. */
  podLabels?: Record<string, string>;
}

/** Who may connect to the pods, where the network of the Kubernetes cluster enforces NetworkPolicies. */
export interface NetworkPolicyArgs {
  /** Whether a NetworkPolicy closes the pods to all others. Default true. A change touches no pod. */
  enabled?: boolean;
  /**
   * Who may connect beside the cluster's own pods. Default: all pods of its namespace; an empty list is nobody. A change touches
   * no pod: sessions that are open may stay, new ones are judged by the new list.
   */
  clients?: NetworkClientArgs[];
}

/**
 * The key that encrypts the volumes of the StorageClass that is created. Volumes keep their class, and so their key: any
 * change is refused on a cluster that runs. Without one, a cloud encrypts them with a key of its own.
 */
export interface EncryptionArgs {
  /** Make an own KMS key, which AWS rotates each year. On `aws` only. Default false. A change is refused: volumes keep their key. */
  createKey?: boolean;
  /**
   * A key that exists. On `aws` the ARN of a KMS key or of an alias, on `gcp` the name of a key in Cloud KMS
   * (`projects/.../cryptoKeys/...`), on `azure` the resource id of a disk encryption set. Default: none. A change is
   * refused: volumes keep their key.
   */
  keyId?: string;
}

/** Requests and limits that differ from the workload's. */
export interface ResourcesArgs {
  requests?: Partial<ResourceQuantities>;
  limits?: Partial<ResourceQuantities>;
}

/** Everything that can be asked of a {@link PostgresCluster}. All fields are plain values and optional. */
export interface PostgresClusterArgs {
  /** Cloud of the Kubernetes cluster. Default `on-premise`. Volumes keep their class: a change is refused, unless `storageClassName` is given. */
  cloud?: Cloud;
  /**
   * Kind of use. Default `development`. Decides disk type and default `resources`; a change rolls the pods when the resources
   * differ, and is refused when the disk type does: volumes keep their class.
   */
  workload?: Workload;
  /** Name of the StatefulSet and prefix of all other names. Default `postgres`. A change would make a new, empty cluster: the commands refuse it. */
  name?: string;
  /** Namespace of all namespaced objects. Default `default`. A change would make a new, empty cluster: the commands refuse it. */
  namespace?: string;
  /**
   * Whether the namespace is created. Default: yes, unless it is `default`. Pods are not touched; but where it becomes false without
   * `keepVolumes`, Pulumi deletes the namespace with all in it: the commands refuse it. They also refuse to create one that is there
   * and was not made for this cluster; Pulumi itself takes it over, and without `keepVolumes` deletes it with the cluster.
   */
  createNamespace?: boolean;
  /** Image with PostgreSQL's binaries and bash. Default `postgres:16`. A change rolls the pods; another major is refused, since it does not read the data (see `acknowledge`). */
  image?: string;
  /** Number of pods: one primary and `replicas - 1` streaming replicas. Default 3. A change adds or removes the highest ordinals; nothing restarts up to ten. */
  replicas?: number;
  /**
   * Number of replicas that must have a commit on disk before the client is told so; any of them, whichever is first. At
   * most `replicas - 2`, so that one may be away. Default 0: replication is asynchronous. A change is reloaded.
   */
  synchronousReplicas?: number;
  /**
   * Size of each pod's volume, a Kubernetes quantity. Default `10Gi`. WAL settings follow it. Raised, the volumes grow while the
   * pods run, where the StorageClass can expand them; else, and when lowered, it is refused.
   */
  storageSize?: string;
  /** Use this StorageClass, which must exist, instead of creating one. Default: create one for `cloud` and `workload`. Volumes keep their class: a change is refused. */
  storageClassName?: string;
  /** Key of the volumes. Default: the one that the cloud gives. Volumes keep their class, and so their key: a change is refused. */
  encryption?: EncryptionArgs;
  /** Database made for the app. Default `myapp`. Made at the first start; a change is refused, or rolls the pods where it is acknowledged. */
  database?: string;
  /** Role made for the app; owns the database, is not a superuser. Default `appuser`. Made at the first start; a change is refused, or rolls the pods where it is acknowledged. */
  user?: string;
  /** Login roles to make beside `user`, each with a generated password. Default none. Made in the running primary; removing an entry drops nothing. */
  roles?: RoleArgs[];
  /**
   * Whether the superuser `postgres` may connect over the network, with a generated password (`SUPERUSER_PASSWORD` in the Secret).
   * Default false: only from the pod's own socket (`kubectl exec`), and it has no password. A change is reloaded; open sessions go on.
   */
  superuserAccess?: boolean;
  /** Databases to make beside `database`. Default none. Made in the running primary; removing an entry drops nothing. */
  databases?: DatabaseArgs[];
  /** Extensions to make. Default none. Made in the running primary; removing an entry drops nothing. */
  extensions?: ExtensionArgs[];
  /**
   * Encryption of connections over the network. Default: on, with an authority of the cluster's own. A change of its mode or of the
   * Secret's name rolls the pods.
   */
  tls?: TlsArgs;
  /** CPU and memory of each pod; what is left out comes from the workload. A change rolls the pods. */
  resources?: ResourcesArgs;
  /** postgresql.conf settings on top of the computed ones. Default none. Reloaded where PostgreSQL can, else the pods are rolled. */
  parameters?: Record<string, string>;
  /**
   * `OrderedReady` (default) starts pods one by one, `Parallel` all at once. A StatefulSet keeps it: a change is refused, since all
   * pods would stop together.
   */
  podManagementPolicy?: PodManagementPolicy;
  /** How pods are replaced when their template changes. Default: RollingUpdate of all. A change restarts only pods that wait for an update. */
  updateStrategy?: Partial<UpdateStrategy>;
  /** Whether the volumes and the namespace outlive the cluster. Default true. When false, `pulumi destroy` deletes the data. Pods are not touched. */
  keepVolumes?: boolean;
  /** Whether Pulumi refuses to delete or replace the StatefulSet and its namespace until this is false again. Default false. Pods are not touched. */
  protect?: boolean;
  /** Raise it to generate new passwords, those of `roles` too; running pods take them over without a restart. Default 1. */
  passwordGeneration?: number;
  /**
   * After the primary's volume was lost: the ordinal of the replica to build the primary again from, as the failing
   * pod's last words name it. Read by ordinal 0 only while its volume is empty. Default: none, it refuses to start.
   */
  recoverPrimaryFrom?: number;
  /** Who may connect to the pods. Default: all pods of the cluster's namespace. A change touches no pod. */
  networkPolicy?: NetworkPolicyArgs;
  /** What a person changed in the data by hand, so that a change that is refused otherwise may be made. Default: nothing. */
  acknowledge?: AcknowledgeArgs;
  /** Numeric user of the server's processes; the image must know it. Default 999, `postgres` of the official Debian image. A change rolls the pods. */
  runAsUser?: number;
  /** Numeric group of the server's processes and of the volume. Default 999. A change rolls the pods. */
  runAsGroup?: number;
}

/** Args without a default: left out, they mean something of their own. */
type Optional = "storageClassName" | "recoverPrimaryFrom";

/** {@link EncryptionArgs} with every default filled in. */
export interface Encryption extends EncryptionArgs {
  createKey: boolean;
  keyId: string | undefined;
}

/** {@link PostgresClusterArgs} with every default filled in. */
export interface CompleteArgs extends Required<Omit<PostgresClusterArgs, Optional>> {
  roles: Required<RoleArgs>[];
  databases: Required<DatabaseArgs>[];
  extensions: Required<ExtensionArgs>[];
  resources: Resources;
  updateStrategy: UpdateStrategy;
  tls: CompleteTls;
  networkPolicy: Required<NetworkPolicyArgs>;
  storageClassName: string | undefined;
  encryption: Encryption;
  recoverPrimaryFrom: number | undefined;
}

/**
 * Requests and limits by workload: the source document's small and large example, and one step up.
 * Memory settings of PostgreSQL are computed from the limit, so a larger limit is a larger cache.
 */
export const defaultResources: Record<Workload, Resources> = {
  development: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
  production: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
  "high-performance": { requests: { cpu: "2", memory: "8Gi" }, limits: { cpu: "4", memory: "16Gi" } },
};

/** Fills in every default. */
export function withDefaults(args: PostgresClusterArgs): CompleteArgs {
  const workload = args.workload ?? "development";
  const namespace = args.namespace ?? "default";
  const database = args.database ?? "myapp";
  const user = args.user ?? "appuser";
  const { requests, limits } = defaultResources[workload];
  return {
    cloud: args.cloud ?? "on-premise",
    workload,
    name: args.name ?? "postgres",
    namespace,
    createNamespace: args.createNamespace ?? namespace !== "default",
    image: args.image ?? "postgres:16",
    replicas: args.replicas ?? 3,
    synchronousReplicas: args.synchronousReplicas ?? 0,
    storageSize: args.storageSize ?? "10Gi",
    storageClassName: args.storageClassName,
    encryption: { createKey: args.encryption?.createKey ?? false, keyId: args.encryption?.keyId },
    database,
    user,
    superuserAccess: args.superuserAccess ?? false,
    roles: (args.roles ?? []).map(({ name, memberOf }) => ({ name, memberOf: memberOf ?? [] })),
    databases: (args.databases ?? []).map(({ name, owner }) => ({ name, owner: owner ?? user })),
    extensions: (args.extensions ?? []).map((one) => ({ name: one.name, database: one.database ?? database })),
    tls: tlsWithDefaults(args.tls),
    resources: {
      requests: { ...requests, ...args.resources?.requests },
      limits: { ...limits, ...args.resources?.limits },
    },
    parameters: args.parameters ?? {},
    podManagementPolicy: args.podManagementPolicy ?? "OrderedReady",
    updateStrategy: {
      type: args.updateStrategy?.type ?? "RollingUpdate",
      partition: args.updateStrategy?.partition ?? 0,
    },
    keepVolumes: args.keepVolumes ?? true,
    protect: args.protect ?? false,
    passwordGeneration: args.passwordGeneration ?? 1,
    recoverPrimaryFrom: args.recoverPrimaryFrom,
    networkPolicy: {
      enabled: args.networkPolicy?.enabled ?? true,
      clients: args.networkPolicy?.clients ?? [{ namespace }],
    },
    acknowledge: args.acknowledge ?? {},
    runAsUser: args.runAsUser ?? 999,
    runAsGroup: args.runAsGroup ?? 999,
  };
}
