import { type Names, serviceHost } from "../names";
import { type CompleteTls, isTlsOn } from "./args";

/** What a certificate is made for. */
export interface CertifiedCluster {
  names: Names;
  namespace: string;
  tls: CompleteTls;
}

/** How long a certificate is valid, and how long before its end the next one is made, in days. CloudNativePG's are of 90 days, too. */
export const validity = { days: 90, renewBefore: 30 };

/**
 * Hosts of the outputs, which every certificate must be for: clients and replicas verify the name that they connect to.
 * The wildcard stands for the pods; it covers one label, whatever their number.
 */
export function certifiedHosts({ names, namespace }: CertifiedCluster): string[] {
  return [`*.${names.headlessService}`, names.primaryService].map((name) => serviceHost(name, namespace));
}

/** All names that lead to the pods, from the full to the short, which is enough inside the namespace. */
export function certifiedNames(cluster: CertifiedCluster): string[] {
  const { names, namespace } = cluster;
  const shorter = (name: string): string[] => [`${name}.${namespace}.svc`, `${name}.${namespace}`, name];
  const { headlessService, primaryService } = names;
  return [
    ...certifiedHosts(cluster),
    serviceHost(headlessService, namespace),
    ...[`*.${headlessService}`, primaryService, headlessService].flatMap(shorter),
  ];
}

/** The Secret that the pods read their certificate from, or what they make it of. With `off` it need not exist. */
export function certificateSecret({ names, tls }: CertifiedCluster): string {
  if (tls.mode === "secret" && tls.secretName !== undefined) return tls.secretName;
  return tls.mode === "cert-manager" ? names.certificate : names.authoritySecret;
}

/**
 * What the pods' scripts know of it, a line each (scripts/tls.sh): the mode, the Secret's name for messages, how long
 * certificates live, the hosts that one must be for, and further names for those that are made in the pods.
 */
export function tlsFile(cluster: CertifiedCluster): string {
  if (!isTlsOn(cluster.tls)) return "mode off\n";
  const hosts = certifiedHosts(cluster);
  const further = certifiedNames(cluster).filter((name) => !hosts.includes(name));
  return [
    `mode ${cluster.tls.mode}`,
    `secret ${certificateSecret(cluster)}`,
    `days ${validity.days}`,
    `renew-before ${validity.renewBefore}`,
    ...hosts.map((host) => `host ${host}`),
    ...further.map((name) => `name ${name}`),
    "",
  ].join("\n");
}

/** Data of cert-manager's Certificate (https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec). */
export function certificateSpec(cluster: CertifiedCluster): Record<string, unknown> {
  const hours = (days: number): string => `${days * 24}h0m0s`;
  return {
    secretName: cluster.names.certificate,
    dnsNames: certifiedNames(cluster),
    issuerRef: { ...cluster.tls.issuer },
    duration: hours(validity.days),
    renewBefore: hours(validity.renewBefore),
    privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
    usages: ["digital signature", "server auth"],
  };
}
