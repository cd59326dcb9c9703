import * as pulumi from "@pulumi/pulumi";
import { createCertificates } from "./cluster/certificates";
import { createKey } from "./cluster/key";
import { createNetworkPolicy, createServices } from "./cluster/network";
import type { Place } from "./cluster/place";
import { createDisruptionBudget, createLatch, createStatefulSet, demandKept } from "./cluster/pods";
import { createPasswords, createSecret, passwordsByRole } from "./cluster/secrets";
import { createConfigMaps } from "./cluster/settings";
import { createClaims, createNamespace, createStorageClass } from "./cluster/storage";
import type { PostgresClusterArgs } from "./postgres/args";
import { type Address, connectionUri, type Endpoint, endpointsOf, type Tls } from "./postgres/endpoints";
import { postgresPort, serviceHost } from "./postgres/names";
import { readme } from "./postgres/readme";
import { clusterSpec } from "./postgres/spec";
import { isTlsOn } from "./postgres/tls/args";
import { clusterProblems } from "./postgres/validate";
import { SettingsError } from "./settings-error";

/**
 * A replicated PostgreSQL: one primary (ordinal 0) and streaming replicas in a StatefulSet, with the cloud's
 * StorageClass, generated passwords and an endpoint for every pod, reachable inside the Kubernetes cluster only.
 * Ordinal 0 stays the primary: Kubernetes brings it back, nothing promotes a replica by itself.
 *
 * With `keepVolumes`, what outlives a destroy are the claims, the namespace they are in and the latch that guards them.
 * Passwords do not: the pods set the new ones when they start on the old data.
 *
 * Give it a Kubernetes provider with `enableConfigMapMutable` and `enableSecretMutable`: settings and passwords then
 * change in place and reach the running pods, instead of replacing objects the pods mount.
 *
 * @throws SettingsError (message only, all problems listed) when the args cannot work, before any child is created.
 */
export class PostgresCluster extends pulumi.ComponentResource {
  /** Every pod, by ordinal. */
  readonly endpoints: pulumi.Output<Endpoint[]>;
  /** Address of the read-write Service. */
  readonly primary: pulumi.Output<Address>;
  /** The endpoints that only answer reads. */
  readonly replicas: pulumi.Output<Endpoint[]>;
  /** Name of the headless Service, which gives every pod its DNS name. */
  readonly service: pulumi.Output<string>;
  /** Namespace of all that it consists of. */
  readonly namespace: pulumi.Output<string>;
  /** The app's database. */
  readonly database: pulumi.Output<string>;
  /** The app's role: owns `database`, is not a superuser. */
  readonly user: pulumi.Output<string>;
  /** Name of the Secret with the passwords. */
  readonly secretName: pulumi.Output<string>;
  /** How connections are encrypted, and PEM of the authority that clients verify the servers by, where one is known. */
  readonly tls: pulumi.Output<Tls>;
  /** StorageClass of the pods' claims. */
  readonly storageClassName: pulumi.Output<string>;
  /** Passwords of `user`, `readonly`, `monitoring`, each of `roles`, and with `superuserAccess` of `postgres`, by role. Secret. */
  readonly passwords: pulumi.Output<Record<string, string>>;
  /** libpq URI of the primary, with the password. Secret. */
  readonly connectionUri: pulumi.Output<string>;
  /** libpq URI of all pods that prefers a replica, with the password. Secret. */
  readonly readOnlyUri: pulumi.Output<string>;
  /** What was made and how to connect, as Markdown. */
  readonly readme: pulumi.Output<string>;
  constructor(name: string, args: PostgresClusterArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const asked = withoutNulls(args);
    // Kept in the state, so that a preview can say which setting changes what; nothing in them is secret.
    super("kubernetes-postgres:index:PostgresCluster", name, { ...asked }, opts);
    const problems = clusterProblems(asked);
    if (problems.length > 0) throw new SettingsError(problems);
    const spec = clusterSpec(asked);

    const place: Place = { parent: this, childName: (child) => `${name}-${child}` };
    const namespace = createNamespace(place, spec);
    const key = createKey(place, spec);
    const storage = createStorageClass(place, spec, key);
    const passwords = createPasswords(place, spec);
    const secret = createSecret(place, spec, passwords, namespace);
    const certificates = createCertificates(place, spec, namespace);
    const claims = createClaims(place, spec, [...namespace, ...storage]);
    // The WAL settings follow the size: they must not where the cluster refuses the claims.
    const configMaps = createConfigMaps(place, spec, [...namespace, ...claims]);
    const services = createServices(place, spec, namespace);
    const networkPolicy = createNetworkPolicy(place, spec, namespace);
    createDisruptionBudget(place, spec, namespace);
    // The Services do not wait for endpoints, or they and the pods would wait for each other.
    // No pod runs before what closes it.
    const mounted = [secret, ...certificates.resources, ...configMaps];
    const before = [...namespace, ...storage, ...claims, ...mounted, ...services, ...networkPolicy];
    const statefulSet = createStatefulSet(place, spec, before);
    const latch = createLatch(place, spec, statefulSet);

    // Known at preview already (but for the passwords), and resolved only once the pods are ready.
    const ready = demandKept(spec, statefulSet, latch);
    const whenReady = <T>(value: T): pulumi.Output<T> => ready.apply(() => value);
    const endpoints = endpointsOf(spec.names.statefulSet, spec.names.headlessService, spec.namespace, spec.replicas);
    const primary = { host: serviceHost(spec.names.primaryService, spec.namespace), port: postgresPort };
    const encrypted: Record<string, string> = isTlsOn(spec.tls) ? { sslmode: "require" } : {};
    const uri = (addresses: Address[], options: Record<string, string> = {}): pulumi.Output<string> =>
      pulumi.secret(
        pulumi.all([passwords.user.result, ready]).apply(([password]) => {
          const { user, database } = spec;
          return connectionUri({ user, password, database }, addresses, { ...encrypted, ...options });
        }),
      );

    this.endpoints = whenReady(endpoints);
    this.primary = whenReady(primary);
    this.replicas = whenReady(endpoints.filter(({ role }) => role === "replica"));
    this.service = whenReady(spec.names.headlessService);
    this.namespace = whenReady(spec.namespace);
    this.database = whenReady(spec.database);
    this.user = whenReady(spec.user);
    this.secretName = whenReady(spec.names.secret);
    this.tls = pulumi
      .all([certificates.caCertificate, ready])
      .apply(([caCertificate]) => ({ mode: spec.tls.mode, ...(caCertificate !== undefined && { caCertificate }) }));
    this.storageClassName = whenReady(spec.storageClassName);
    this.passwords = pulumi.secret(pulumi.all([passwordsByRole(spec.user, passwords), ready]).apply(([all]) => all));
    this.connectionUri = uri([primary]);
    this.readOnlyUri = uri([...endpoints].reverse(), { target_session_attrs: "prefer-standby" });
    this.readme = whenReady(readme(spec, endpoints));
    this.registerOutputs({
      endpoints: this.endpoints,
      primary: this.primary,
      replicas: this.replicas,
      service: this.service,
      namespace: this.namespace,
      database: this.database,
      user: this.user,
      secretName: this.secretName,
      tls: this.tls,
      storageClassName: this.storageClassName,
      passwords: this.passwords,
      connectionUri: this.connectionUri,
      readOnlyUri: this.readOnlyUri,
      readme: this.readme,
    });
  }
}

/** In other languages null stands for what is left out, in objects and in lists. */
function withoutNulls<T extends object>(args: T): T {
  const asked = structuredClone(args);
  dropNulls(asked);
  return asked;
}

function dropNulls(part: object): void {
  if (Array.isArray(part)) part.splice(0, part.length, ...part.filter((entry) => entry !== null));
  for (const [key, value] of Object.entries(part)) {
    if (value === null) Reflect.deleteProperty(part, key);
    else if (typeof value === "object") dropNulls(value);
  }
}
