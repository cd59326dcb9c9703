import type { types } from "@pulumi/kubernetes";
import { postgresPort, serviceHost } from "./names";
import type { ClusterSpec } from "./spec";
import { isTlsOn } from "./tls/args";
import { certificateSecret } from "./tls/certificate";

const paths = {
  volume: "/var/lib/postgresql/data",
  config: "/etc/postgres/config",
  scripts: "/etc/postgres/scripts",
  secrets: "/etc/postgres/secrets",
  tls: "/etc/postgres/tls",
  latch: "/etc/postgres/latch",
};

/**
 * Time to end in order: a checkpoint while clients are still served (20 s at most), then a fast shutdown: the checkpoint of
 * what is left, and up to wal_sender_timeout (15 s here) for a replica that hangs.
 */
const terminationGracePeriodSeconds = 300;

/**
 * What a pod takes of its node's disk: the container's log, since its root filesystem is read-only and what can be written
 * is the volume or memory. kubelet keeps 50 MiB of a log by default, and looks every ten seconds; beyond the limit it evicts.
 */
const nodeDisk = { request: "128Mi", limit: "2Gi" };

// A clone or a crash recovery may take days; killing it would only start it over.
const withoutLimit = 2 ** 31 - 1;

/** The command that runs one of the pod's scripts in its container. */
export const script = (file: string, ...args: string[]): string[] => ["/bin/bash", `${paths.scripts}/${file}`, ...args];

const probe = (name: "startup" | "readiness" | "liveness"): types.input.core.v1.ExecAction => ({
  command: script("probe.sh", name),
});

function container(spec: ClusterSpec): types.input.core.v1.Container {
  const { statefulSet, headlessService } = spec.names;
  // With TLS a pod verifies the name that it connects to, so it uses the one that every certificate has to be for.
  const service = isTlsOn(spec.tls) ? serviceHost(headlessService, spec.namespace) : headlessService;
  return {
    name: "postgres",
    image: spec.image,
    imagePullPolicy: "IfNotPresent",
    command: script("supervisor.sh"),
    ports: [{ name: "postgresql", containerPort: postgresPort }],
    env: [
      // Values, so that the pods restart with another name: the primary makes the role and database it is told of.
      { name: "POSTGRES_DB", value: spec.database },
      { name: "POSTGRES_USER", value: spec.user },
      // A subdirectory, so that initialise and clone can build beside it and rename.
      { name: "PGDATA", value: `${paths.volume}/pgdata` },
      { name: "PRIMARY_HOST", value: `${statefulSet}-0.${service}` },
      { name: "HEADLESS_SERVICE", value: service },
      { name: "STATEFULSET", value: statefulSet },
    ],
    resources: {
      requests: { ...spec.resources.requests, "ephemeral-storage": nodeDisk.request },
      limits: { ...spec.resources.limits, "ephemeral-storage": nodeDisk.limit },
    },
    // Waits by itself; see probe.sh.
    startupProbe: { exec: probe("startup"), periodSeconds: 1, timeoutSeconds: 10, failureThreshold: withoutLimit },
    // Each look starts a process in the container, which takes about a tenth of a second of a core (our
    // experiment: 9 % of a core for each pod at six looks in ten seconds). A rollout does not wait for this one: the
    // kubelet looks at once when the startup probe has succeeded.
    readinessProbe: { exec: probe("readiness"), periodSeconds: 5, timeoutSeconds: 10, failureThreshold: 2 },
    livenessProbe: {
      exec: probe("liveness"),
      periodSeconds: 10,
      timeoutSeconds: 10,
      failureThreshold: 6,
      // A server that has not answered for a minute will hardly shut down in order either.
      terminationGracePeriodSeconds: 30,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: spec.names.claim, mountPath: paths.volume },
      { name: "config", mountPath: paths.config, readOnly: true },
      { name: "scripts", mountPath: paths.scripts, readOnly: true },
      { name: "secrets", mountPath: paths.secrets, readOnly: true },
      { name: "tls", mountPath: paths.tls, readOnly: true },
      { name: "latch", mountPath: paths.latch, readOnly: true },
      { name: "run", mountPath: "/run/postgresql" },
      { name: "tmp", mountPath: "/tmp" },
      { name: "shm", mountPath: "/dev/shm" },
    ],
  };
}

/** Two replicas on one node, or in one zone, are lost together; preferred, so that a small cluster can still run all. */
function spread(spec: ClusterSpec): types.input.core.v1.TopologySpreadConstraint[] {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: { ...spec.selector } },
  }));
}

/** The pod every ordinal runs; admitted by the Pod Security level `restricted`. */
export function podTemplate(spec: ClusterSpec): types.input.core.v1.PodTemplateSpec {
  return {
    metadata: {
      labels: { ...spec.labels },
      annotations: {
        // A change of either must restart the server; everything else in the ConfigMaps is reloaded.
        "kubernetes-postgres/scripts": spec.checksums.scripts,
        "kubernetes-postgres/restart-parameters": spec.checksums.restartParameters,
      },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: spec.runAsUser,
        runAsGroup: spec.runAsGroup,
        fsGroup: spec.runAsGroup,
        // Without it every start walks the whole volume and opens PGDATA to the group, which PostgreSQL refuses.
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      topologySpreadConstraints: spread(spec),
      containers: [container(spec)],
      volumes: [
        { name: "config", configMap: { name: spec.names.configMap } },
        { name: "scripts", configMap: { name: spec.names.scriptsConfigMap } },
        { name: "secrets", secret: { secretName: spec.names.secret, defaultMode: 0o440 } },
        // Optional, so that the supervisor can say what it waits for, and a running primary takes over TLS by reload.
        { name: "tls", secret: { secretName: certificateSecret(spec), defaultMode: 0o440, optional: true } },
        { name: "latch", configMap: { name: spec.names.latchConfigMap, optional: true } },
        { name: "run", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
        // On the node's disk, a file too much would have the whole pod evicted; here its writer is told that there is no room.
        { name: "tmp", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
        // The runtime's 64 MB break parallel queries ("could not resize shared memory segment").
        { name: "shm", emptyDir: { medium: "Memory", sizeLimit: spec.shmSize } },
      ],
    },
  };
}
