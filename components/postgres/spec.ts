import { createHash } from "node:crypto";
import { type CompleteArgs, type PostgresClusterArgs, withDefaults } from "./args";
import { scripts } from "./config";
import { majorOfImage } from "./image";
import { labelsOf, type Names, namesOf, namespaceLabelsOf, selectorLabels } from "./names";
import { renderPostgresqlConf, restartParameters } from "./parameters/classify";
import { type ServerSize, serverParameters, shmSizeBytes } from "./parameters/sizing";
import { formatBytes, parseBytes, parseMillicores, type QuantityReading } from "./quantity";
import { type StorageClassRequest, storageClassName } from "./storage-class";
import { type CompleteTls, isTlsOn } from "./tls/args";

/** A cluster in plain values, all defaults and computed settings filled in: what every Kubernetes object is made from. */
export interface ClusterSpec extends Omit<CompleteArgs, "storageClassName"> {
  names: Names;
  /** Labels of every object. */
  labels: Record<string, string>;
  /** The part of the labels that StatefulSet and Services select by. */
  selector: Record<string, string>;
  namespaceLabels: Record<string, string>;
  /** The class of the claims. */
  storageClassName: string;
  /** The class to create; undefined when an existing one is used. */
  storageClass: StorageClassRequest | undefined;
  /** Text of postgresql.conf. */
  postgresqlConf: string;
  /** Size of /dev/shm, a Kubernetes quantity. */
  shmSize: string;
  /** Change when the running server must be restarted. */
  checksums: { scripts: string; restartParameters: string };
}

/**
 * Computes a cluster from its args. The args must have no problems (see `clusterProblems`).
 * @param files the scripts that run in the pods.
 * @throws Error when a quantity cannot be read, which `clusterProblems` would have reported.
 */
export function clusterSpec(asked: PostgresClusterArgs, files: Record<string, string> = scripts()): ClusterSpec {
  const args = withDefaults(asked);
  const { cloud, workload, name, namespace, keepVolumes, encryption } = args;
  const size = serverSize(args);
  const names = namesOf(name);
  const sized = serverParameters({ ...size, parameters: args.parameters });
  const parameters = { ...tlsParameters(args.tls), ...sized, ...synchronousStandbys(args, names.statefulSet) };
  const created: StorageClassRequest = { cloud, workload, name, namespace, keepVolumes, encryption };
  return {
    ...args,
    names,
    labels: labelsOf(name),
    selector: selectorLabels(name),
    namespaceLabels: namespaceLabelsOf(name),
    storageClassName: args.storageClassName ?? storageClassName(created),
    storageClass: args.storageClassName === undefined ? created : undefined,
    postgresqlConf: renderPostgresqlConf(parameters),
    shmSize: formatBytes(shmSizeBytes(size.memoryLimitBytes)),
    checksums: {
      scripts: checksum(files),
      restartParameters: checksum(restartParameters(parameters, size.major)),
    },
  };
}

/**
 * What PostgreSQL's computed settings follow from.
 * @throws Error when a quantity cannot be read.
 */
export function serverSize({ resources, storageSize, replicas, workload, image }: CompleteArgs): ServerSize {
  return {
    memoryLimitBytes: read(parseBytes(resources.limits.memory)),
    cpuMillicores: read(parseMillicores(resources.limits.cpu)),
    storageBytes: read(parseBytes(storageSize)),
    replicas,
    workload,
    major: majorOfImage(image),
  };
}

/**
 * Any so many of all replicas: a commit waits for the quickest. They are known by the name they connect with, which is
 * the pod's (scripts/replica.sh).
 */
function synchronousStandbys(
  { synchronousReplicas, replicas }: CompleteArgs,
  statefulSet: string,
): Record<string, string> {
  if (synchronousReplicas === 0) return {};
  const pods = Array.from({ length: replicas - 1 }, (_, index) => `"${statefulSet}-${index + 1}"`);
  return { synchronous_standby_names: `ANY ${synchronousReplicas} (${pods.join(", ")})` };
}

/** TLS 1.3 where the client has it: OpenSSL takes the newest version that both know. */
const tlsParameters = (tls: CompleteTls): Record<string, string> =>
  isTlsOn(tls) ? { ssl: "on", ssl_min_protocol_version: "TLSv1.2" } : {};

function read(reading: QuantityReading): number {
  if (!reading.ok) throw new Error(reading.reason);
  return reading.value;
}

/** Short digest of names and values, independent of their order. */
function checksum(values: Record<string, string>): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}
