import { additionProblems, appProblems } from "./additions/check";
import { type CompleteArgs, type PostgresClusterArgs, withDefaults } from "./args";
import { choiceProblems } from "./choices";
import { encryptionProblems } from "./encryption";
import { majorOfImage } from "./image";
import { isNamespace, longestNamespace } from "./names";
import { networkPolicyProblems } from "./network-policy";
import { canonicalName, knownMajors } from "./parameters/catalog";
import { checkParameters } from "./parameters/check";
import { smallestMemoryBytes, smallestStorageBytes } from "./parameters/sizing";
import { type Problem, when } from "./problem";
import { formatBytes, missingUnit, parseBytes, parseMillicores, type QuantityReading } from "./quantity";
import { acknowledgeProblems } from "./record";
import { minimumStorageSize } from "./storage-class";
import { tlsProblems } from "./tls/check";

/** A pod's `controller-revision-hash` label is the StatefulSet's name and a hash; longer names do not fit its 63 characters. */
export const longestName = 50;

/** Largest user or group of a pod. */
export const largestId = 2 ** 31 - 1;

const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const imageReference = /^[a-z0-9]([a-zA-Z0-9._:/-]*[a-zA-Z0-9])?(@sha256:[a-f0-9]{64})?$/;

/**
 * Everything that cannot work about these args, without asking a server: empty when they can.
 * All checks run, so that a person mends all of them at once.
 */
export function clusterProblems(asked: PostgresClusterArgs): Problem[] {
  const choices = choiceProblems(asked);
  if (choices.length > 0) return choices;
  const args = withDefaults(asked);
  return [
    ...nameProblems(args),
    ...imageProblems(args),
    ...countProblems(args),
    ...synchronousProblems(args),
    ...storageProblems(args),
    ...encryptionProblems(args),
    ...appProblems(args),
    ...tlsProblems(args),
    ...acknowledgeProblems(args),
    ...networkPolicyProblems(args),
    ...additionProblems(args),
    ...resourceProblems(args),
    ...parameterProblems(args),
  ];
}

function nameProblems({ name, namespace, storageClassName }: CompleteArgs): Problem[] {
  const reserved = namespace.startsWith("kube-");
  return [
    ...when(!label.test(name) || name.length > longestName, {
      setting: "name",
      asked: name,
      why: `It becomes the name of Services and pods: at most ${longestName} characters, only a-z, 0-9 and "-", starting with a letter and not ending with "-".`,
      fix: `Choose a name like ${suggestion(name)}.`,
    }),
    ...when(!isNamespace(namespace) || reserved, {
      setting: "namespace",
      asked: namespace,
      why: reserved
        ? 'Namespaces that start with "kube-" are Kubernetes\' own.'
        : `A namespace has at most ${longestNamespace} characters, only a-z, 0-9 and "-", and neither starts nor ends with "-".`,
      fix: `Choose a namespace like ${suggestion(namespace.replace(/^kube-/, ""))}.`,
    }),
    ...when(storageClassName !== undefined && !subdomain.test(storageClassName), {
      setting: "storageClassName",
      asked: storageClassName ?? "",
      why: 'No StorageClass can have this name: only a-z, 0-9, "-" and "." are possible.',
      fix: "Use a name that `kubectl get storageclass` lists, or leave it out to create one.",
    }),
  ];
}

function suggestion(name: string): string {
  const mended = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return mended.slice(0, longestName) || "postgres";
}

function imageProblems({ image }: CompleteArgs): Problem[] {
  const oldest = Math.min(...knownMajors);
  const major = majorOfImage(image) ?? oldest;
  const outdated = when(major < oldest, {
    setting: "image",
    asked: image,
    why: `PostgreSQL ${major} is older than ${oldest}, the oldest one that the pods' scripts and settings are made for.`,
    fix: "Use postgres:16 or another supported major.",
  });
  const unreadable = when(!imageReference.test(image), {
    setting: "image",
    asked: image,
    why: "This is not an image reference.",
    fix: "Write it like postgres:16 or registry.example.com/team/postgres:16.4.",
  });
  return [...unreadable, ...outdated];
}

function countProblems(args: CompleteArgs): Problem[] {
  const { replicas, passwordGeneration, recoverPrimaryFrom, updateStrategy, runAsUser, runAsGroup } = args;
  const { type, partition } = updateStrategy;
  const notWhole = (value: number, least: number, most = Number.MAX_SAFE_INTEGER): boolean =>
    !Number.isInteger(value) || value < least || value > most;
  const numericId = (setting: string, value: number): Problem[] =>
    when(notWhole(value, 1, largestId), {
      setting,
      asked: `${value}`,
      why: `The server refuses to run as root, and an id is a whole number from 1 to ${largestId}.`,
      fix: "Use 999, the postgres user of the official Debian image, or 70 for its Alpine image.",
    });
  return [
    ...when(notWhole(replicas, 1), {
      setting: "replicas",
      asked: `${replicas}`,
      why: "A cluster is one primary and any whole number of replicas, so at least 1 pod.",
      fix: "Use 1 for a single server or 3 for a primary and two replicas. To remove the cluster and keep its data, take the stack down instead.",
    }),
    ...when(notWhole(passwordGeneration, 1), {
      setting: "passwordGeneration",
      asked: `${passwordGeneration}`,
      why: "It counts how often the passwords were renewed: a whole number from 1.",
      fix: "Raise it by one to renew the passwords.",
    }),
    ...when(recoverPrimaryFrom !== undefined && notWhole(recoverPrimaryFrom, 1, Math.max(1, replicas - 1)), {
      setting: "recoverPrimaryFrom",
      asked: `${recoverPrimaryFrom}`,
      why: `It is the ordinal of a replica, and those of ${replicas} pods go from 1 to ${replicas - 1}.`,
      fix: "Use the ordinal that the last words of the primary's pod name (kubectl logs).",
    }),
    ...when(notWhole(partition, 0, replicas >= 1 ? replicas : undefined), {
      setting: "updateStrategy.partition",
      asked: `${partition}`,
      why: `Pods with this ordinal or a higher one are updated; there are ${replicas} pods.`,
      fix: `Use a whole number from 0 (update all) to ${replicas} (update none).`,
    }),
    ...when(type === "OnDelete" && partition !== 0, {
      setting: "updateStrategy.partition",
      asked: `${partition}`,
      why: "With OnDelete Kubernetes updates no pod by itself, so a partition would have no effect.",
      fix: "Leave the partition out, or set the type to RollingUpdate.",
    }),
    ...numericId("runAsUser", runAsUser),
    ...numericId("runAsGroup", runAsGroup),
  ];
}

function synchronousProblems({ synchronousReplicas, replicas, parameters }: CompleteArgs): Problem[] {
  const problem = (why: string, fix: string): Problem[] => [
    { setting: "synchronousReplicas", asked: `${synchronousReplicas}`, why, fix },
  ];
  if (!Number.isInteger(synchronousReplicas) || synchronousReplicas < 0) {
    return problem(
      "It counts the replicas that a commit waits for: a whole number, 0 for none.",
      "Use 0, or 1 with at least 3 replicas.",
    );
  }
  if (synchronousReplicas === 0) return [];
  const [, level] = Object.entries(parameters).find(([name]) => canonicalName(name) === "synchronous_commit") ?? [];
  const weaker = new Map([
    ["local", "no commit waits for a replica"],
    ["remote_write", "a commit waits for replicas that may not have it on disk yet"],
  ]).get(level?.toLowerCase() ?? "");
  const contradiction = when(weaker !== undefined, {
    setting: "parameters.synchronous_commit",
    asked: level ?? "",
    why: `With ${level?.toLowerCase()} ${weaker}, but synchronousReplicas asks for ${synchronousReplicas} that have it on disk.`,
    fix: "Leave it out, or set synchronousReplicas to 0.",
  });
  // A number of pods that cannot be is told already.
  if (!Number.isInteger(replicas) || replicas < 1 || synchronousReplicas <= replicas - 2) return contradiction;
  const pods =
    replicas === 1 ? "1 pod is the primary alone" : `${replicas} pods are the primary and ${replicas - 1} replica`;
  const followers = replicas > 2 ? `${pods}s` : pods;
  const most = Math.max(0, replicas - 2);
  return [
    ...contradiction,
    ...problem(
      synchronousReplicas >= replicas
        ? `${followers}: every commit would wait for ever.`
        : `${followers}: every commit would wait whenever one of them restarts, as each rolling update has it do.`,
      `Set replicas to ${synchronousReplicas + 2} or more, or synchronousReplicas to ${most}${most > 1 ? " or less" : ""}.`,
    ),
  ];
}

function storageProblems({ storageSize, storageClassName, cloud, workload }: CompleteArgs): Problem[] {
  const size = parseBytes(storageSize);
  const unit = missingUnit(storageSize);
  if (!size.ok || unit !== undefined) {
    return [
      {
        setting: "storageSize",
        asked: storageSize,
        why: size.ok ? `Without a unit this is ${storageSize} bytes, too few for a database.` : `${size.reason}.`,
        fix: unit === undefined ? "Write a number and a unit, like 10Gi." : `Did you mean ${unit}?`,
      },
    ];
  }
  // An existing class may be anything; then only PostgreSQL's own needs count.
  const ours = formatBytes(smallestStorageBytes);
  const minimum = storageClassName === undefined ? minimumStorageSize(cloud, workload) : ours;
  return when(size.value < amount(parseBytes(minimum)), {
    setting: "storageSize",
    asked: storageSize,
    why:
      minimum === ours
        ? `A new cluster with its write-ahead log does not fit safely in less than ${ours}.`
        : `The smallest volume that ${cloud} makes for workload ${workload} is ${minimum}.`,
    // A live cluster would be refused the other size, too: its volumes keep their size and their class.
    fix:
      minimum === ours
        ? `Use ${minimum} or more.`
        : `For a new cluster use ${minimum} or more. A live one keeps its disks: leave cloud and workload as they were; resources gives it more CPU and memory.`,
  });
}

const amount = (reading: QuantityReading): number => (reading.ok ? reading.value : Number.NaN);

function resourceProblems({ resources }: CompleteArgs): Problem[] {
  const { requests, limits } = resources;
  const readings = [
    { kind: "cpu", request: parseMillicores(requests.cpu), limit: parseMillicores(limits.cpu) },
    { kind: "memory", request: parseBytes(requests.memory), limit: parseBytes(limits.memory) },
  ] as const;
  return readings.flatMap(({ kind, request, limit }) => {
    const unreadable = (part: "requests" | "limits", reading: QuantityReading): Problem[] =>
      reading.ok
        ? []
        : [
            {
              setting: `resources.${part}.${kind}`,
              asked: resources[part][kind],
              why: `${reading.reason}.`,
              fix: `Write a quantity like ${kind === "cpu" ? "500m or 2" : "512Mi or 2Gi"}.`,
            },
          ];
    const least = kind === "cpu" ? 0 : smallestMemoryBytes;
    return [
      ...unreadable("requests", request),
      ...unreadable("limits", limit),
      ...when(amount(request) > amount(limit), {
        setting: `resources.requests.${kind}`,
        asked: requests[kind],
        why: `A pod cannot ask for more than its limit, ${limits[kind]}.`,
        fix: `Lower the request or raise resources.limits.${kind}.`,
      }),
      ...when(amount(limit) < least, {
        setting: "resources.limits.memory",
        asked: limits.memory,
        why: `PostgreSQL's processes need more than ${formatBytes(amount(limit))} even with the smallest settings.`,
        fix: `Use ${formatBytes(smallestMemoryBytes)} or more.`,
      }),
    ];
  });
}

function parameterProblems(args: CompleteArgs): Problem[] {
  const memory = parseBytes(args.resources.limits.memory);
  const cpu = parseMillicores(args.resources.limits.cpu);
  const storage = parseBytes(args.storageSize);
  const major = majorOfImage(args.image);
  const possible =
    amount(memory) >= smallestMemoryBytes && amount(storage) >= smallestStorageBytes && cpu.ok && args.replicas >= 1;
  // Without possible sizes there is nothing to measure the parameters against; those problems are told already.
  if (!possible) return checkParameters(args.parameters, { major });
  return checkParameters(args.parameters, {
    major,
    memoryLimitBytes: amount(memory),
    cpuMillicores: amount(cpu),
    workload: args.workload,
    storageBytes: amount(storage),
    replicas: args.replicas,
  });
}
