/** Where the servers' certificates come from. */
export const TlsMode = {
  Off: "off",
  SelfSigned: "self-signed",
  Secret: "secret",
  CertManager: "cert-manager",
} as const;
export type TlsMode = (typeof TlsMode)[keyof typeof TlsMode];
export const tlsModes = Object.values(TlsMode);

/** Kinds of cert-manager's own issuers; an issuer of somebody else has a `group`, and whatever kind that has. */
export const ownIssuerKinds = ["Issuer", "ClusterIssuer"] as const;

/** An issuer of cert-manager. */
export interface IssuerArgs {
  /** Its name. */
  name: string;
  /** `Issuer` (default) of the cluster's namespace, `ClusterIssuer`, or the kind of an external issuer. */
  kind?: string;
  /** API group of an external issuer. Default `cert-manager.io`. */
  group?: string;
}

/**
 * Encryption of all connections over the network, and how clients and replicas know the servers. With every mode but `off`
 * a connection without TLS is refused, and replicas verify the primary's certificate and name.
 */
export interface TlsArgs {
  /**
   * `self-signed` (default): an authority of the cluster's own, from which each pod makes and renews its certificate.
   * `secret`: certificate and key of yours. `cert-manager`: a Certificate of an issuer. `off`: no encryption.
   * A change rolls the pods; a replica does not stream until the primary has been restarted, too.
   */
  mode?: TlsMode;
  /**
   * With `secret`: a Secret of the namespace with `tls.crt`, `tls.key` and `ca.crt`, for the hosts of all endpoints. Default:
   * none. Another name rolls the pods; other contents reach running servers by reload, within about a minute.
   */
  secretName?: string;
  /** With `cert-manager`: who issues the certificate. Default: none. A change renews the certificate; servers reload it. */
  issuer?: IssuerArgs;
  /**
   * With `secret` and `cert-manager`: PEM of the authority that clients verify the servers by, handed on as output. Not
   * secret. Default: none, and apps of `databaseFrom` encrypt without verifying. Pods are not touched.
   */
  caCertificate?: string;
}

/** {@link TlsArgs} with every default filled in. */
export interface CompleteTls {
  mode: TlsMode;
  secretName: string | undefined;
  issuer: Required<IssuerArgs> | undefined;
  caCertificate: string | undefined;
}

/** Fills in every default. */
export function tlsWithDefaults({ mode, secretName, issuer, caCertificate }: TlsArgs = {}): CompleteTls {
  const completed = issuer && {
    name: issuer.name,
    kind: issuer.kind ?? "Issuer",
    group: issuer.group ?? "cert-manager.io",
  };
  return { mode: mode ?? "self-signed", secretName, issuer: completed, caCertificate };
}

/** Whether servers and clients encrypt. */
export const isTlsOn = ({ mode }: Pick<CompleteTls, "mode">): boolean => mode !== "off";
