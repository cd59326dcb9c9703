import { postgresPort, serviceHost } from "./names";
import type { TlsMode } from "./tls/args";

/** What a pod does: the primary takes writes, a replica follows it and answers reads. */
export const Role = { Primary: "primary", Replica: "replica" } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** One pod of the cluster and the address that always leads to it. */
export interface Endpoint {
  /** Name of the pod, e.g. `postgres-0`. */
  pod: string;
  /** The pod's number in the StatefulSet. */
  ordinal: number;
  role: Role;
  /** DNS name, resolvable from every pod of the Kubernetes cluster. */
  host: string;
  port: number;
}

/** An address that is not bound to one pod. */
export interface Address {
  host: string;
  port: number;
}

/** How connections to a cluster are encrypted. */
export interface Tls {
  /** `off`, or where the servers' certificates come from; any of these refuses a connection without TLS. */
  mode: TlsMode;
  /** PEM of the authority that the servers are verified by, in `sslrootcert`. Left out where none is known, or with `off`. */
  caCertificate?: string;
}

/** The endpoints of a StatefulSet's pods: ordinal 0 is the primary. */
export function endpointsOf(
  statefulSet: string,
  headlessService: string,
  namespace: string,
  replicas: number,
): Endpoint[] {
  return Array.from({ length: replicas }, (_, ordinal) => {
    const pod = `${statefulSet}-${ordinal}`;
    return {
      pod,
      ordinal,
      role: ordinal === 0 ? "primary" : "replica",
      host: `${pod}.${serviceHost(headlessService, namespace)}`,
      port: postgresPort,
    };
  });
}

/**
 * A libpq URI. User, password and database are percent-encoded, since the app's names may hold anything
 * (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
 */
export function connectionUri(
  login: { user: string; password: string; database: string },
  addresses: Address[],
  options: Record<string, string> = {},
): string {
  const hosts = addresses.map(({ host, port }) => `${host}:${port}`).join(",");
  const query = new URLSearchParams(options).toString();
  const encode = encodeURIComponent;
  return `postgresql://${encode(login.user)}:${encode(login.password)}@${hosts}/${encode(login.database)}${query && `?${query}`}`;
}
