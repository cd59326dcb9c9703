/** The port every endpoint of the cluster listens on. */
export const postgresPort = 5432;

/** Role that replicas stream with. */
export const replicationUser = "replicator";

/** Role that reads all that the app's role owns. */
export const readonlyUser = "readonly";

/** Role that reads the server's statistics and no data. */
export const monitoringUser = "monitoring";

/** The superuser. */
export const superuser = "postgres";

/** Names of everything a cluster consists of; with the default name they are the ones Kubernetes users know from the field. */
export interface Names {
  statefulSet: string;
  /** Headless Service: gives every pod its DNS name. */
  headlessService: string;
  /** Service with one address, for the primary. */
  primaryService: string;
  configMap: string;
  scriptsConfigMap: string;
  latchConfigMap: string;
  secret: string;
  /** Secret with the authority that the pods make their certificates from. */
  authoritySecret: string;
  /** cert-manager's Certificate, and the Secret that it keeps it in. */
  certificate: string;
  podDisruptionBudget: string;
  networkPolicy: string;
  /** Volume claim template; claims are `<claim>-<pod>`. */
  claim: string;
}

/** @param name the cluster's name, prefix of all others. */
export function namesOf(name: string): Names {
  return {
    statefulSet: name,
    headlessService: `${name}-svc`,
    primaryService: `${name}-primary`,
    configMap: `${name}-config`,
    scriptsConfigMap: `${name}-scripts`,
    latchConfigMap: `${name}-latch`,
    secret: `${name}-secret`,
    authoritySecret: `${name}-ca`,
    certificate: `${name}-tls`,
    podDisruptionBudget: name,
    networkPolicy: name,
    claim: "data",
  };
}

/** The name of the cluster that a latch belongs to. */
export const nameOfLatch = (latch: string): string => latch.replace(/-latch$/, "");

/** Labels a StatefulSet and its Services select by; they can never change on a live cluster. */
export function selectorLabels(name: string): Record<string, string> {
  return { app: name, "app.kubernetes.io/instance": name };
}

/** Labels of every object: `app` as the source document has it, beside the ones k9s, Lens and dashboards read. */
export function labelsOf(name: string): Record<string, string> {
  return {
    ...selectorLabels(name),
    "app.kubernetes.io/name": "postgresql",
    "app.kubernetes.io/component": "database",
    "app.kubernetes.io/managed-by": "pulumi",
  };
}

/**
 * Label of a namespace that the program made; its value is the cluster's name. Nobody else sets it, unlike
 * `managed-by`, so a namespace that carries it can be taken up again after its stack was deleted.
 */
export const namespaceMark = "kubernetes-postgres/cluster";

/** Longest name of a namespace, in characters: it is a DNS label. */
export const longestNamespace = 63;

/** Whether a namespace can have this name. */
export const isNamespace = (name: string): boolean =>
  /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) && name.length <= longestNamespace;

/** Labels of a namespace that versions before the mark made. */
export const unmarkedNamespaceLabels: Readonly<Record<string, string>> = {
  "app.kubernetes.io/managed-by": "pulumi",
  "pod-security.kubernetes.io/enforce": "restricted",
};

/**
 * Labels of a namespace that the program makes. `enforce` refuses a pod; `warn` and `audit` also tell whoever applies, and
 * the audit log, that a StatefulSet or a Job would have its pods refused.
 */
export function namespaceLabelsOf(name: string): Record<string, string> {
  return {
    ...unmarkedNamespaceLabels,
    [namespaceMark]: name,
    "pod-security.kubernetes.io/warn": "restricted",
    "pod-security.kubernetes.io/audit": "restricted",
  };
}

/** DNS name of a Service of the cluster, as every pod of the Kubernetes cluster resolves it. */
export function serviceHost(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.cluster.local`;
}
