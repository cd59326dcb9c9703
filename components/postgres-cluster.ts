import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { passwordKey } from "./postgres/additions/files";
import type { PostgresClusterArgs } from "./postgres/args";
import { claimName, fixedClaimFields, persistentVolumeClaim, smallerThanAsked } from "./postgres/claims";
import { configData, scripts } from "./postgres/config";
import { type Address, connectionUri, type Endpoint, endpointsOf } from "./postgres/endpoints";
import { fixedFieldProblems, fixedFields, fixedFieldsOf } from "./postgres/fixed-fields";
import { nameOfLatch, postgresPort, serviceHost } from "./postgres/names";
import { readme } from "./postgres/readme";
import { readRecord, recordAnnotations, recordedFields, recordProblems } from "./postgres/record";
import { headlessService, primaryService } from "./postgres/services";
import { type ClusterSpec, clusterSpec } from "./postgres/spec";
import { podDisruptionBudget, statefulSet as statefulSetOf } from "./postgres/stateful-set";
import { storageClass } from "./postgres/storage-class";
import { clusterProblems } from "./postgres/validate";
import { SettingsError } from "./settings-error";

/** The generated passwords: of the app's role, of the replicas', and by name of those that `roles` adds. */
interface Passwords {
  user: random.RandomPassword;
  replication: random.RandomPassword;
  roles: Record<string, random.RandomPassword>;
}

/** Not a property of the component: Pulumi's schema takes each of these for an output. */
const resourceNames = new WeakMap<PostgresCluster, string>();

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
  /** StorageClass of the pods' claims. */
  readonly storageClassName: pulumi.Output<string>;
  /** Password of `user` and of each of `roles`, by the role's name. Secret. */
  readonly passwords: pulumi.Output<Record<string, string>>;
  /** libpq URI of the primary, with the password. Secret. */
  readonly connectionUri: pulumi.Output<string>;
  /** libpq URI of all pods that prefers a replica, with the password. Secret. */
  readonly readOnlyUri: pulumi.Output<string>;
  /** What was made and how to connect, as Markdown. */
  readonly readme: pulumi.Output<string>;
  constructor(name: string, args: PostgresClusterArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    // Kept in the state, so that a preview can say which setting changes what; nothing in them is secret.
    super("kubernetes-postgres:index:PostgresCluster", name, { ...args }, opts);
    resourceNames.set(this, name);
    const problems = clusterProblems(args);
    if (problems.length > 0) throw new SettingsError(problems);
    const spec = clusterSpec(args);

    const namespace = this.createNamespace(spec);
    const afterNamespace = { parent: this, dependsOn: namespace };
    const storage = this.createStorageClass(spec);
    const passwords = this.createPasswords(spec);
    const secret = this.createSecret(spec, passwords, afterNamespace);
    const claims = this.createClaims(spec, [...namespace, ...storage]);
    // The WAL settings follow the size: they must not where the cluster refuses the claims.
    const configMaps = this.createConfigMaps(spec, { parent: this, dependsOn: [...namespace, ...claims] });
    const services = this.createServices(spec, afterNamespace);
    this.createDisruptionBudget(spec, afterNamespace);
    // The Services do not wait for endpoints, or they and the pods would wait for each other.
    const before = [...namespace, ...storage, ...claims, secret, ...configMaps, ...services];
    const statefulSet = this.createStatefulSet(spec, before);
    const latch = this.createLatch(spec, statefulSet);

    // Known at preview already (but for the passwords), and resolved only once the pods are ready.
    const ready = demandKept(spec, statefulSet, latch);
    const whenReady = <T>(value: T): pulumi.Output<T> => ready.apply(() => value);
    const endpoints = endpointsOf(spec.names.statefulSet, spec.names.headlessService, spec.namespace, spec.replicas);
    const primary = { host: serviceHost(spec.names.primaryService, spec.namespace), port: postgresPort };
    const uri = (addresses: Address[], options?: Record<string, string>): pulumi.Output<string> =>
      pulumi.secret(
        pulumi.all([passwords.user.result, ready]).apply(([password]) => {
          const { user, database } = spec;
          return connectionUri({ user, password, database }, addresses, options);
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
    this.storageClassName = whenReady(spec.storageClassName);
    this.passwords = pulumi.secret(pulumi.all([byRole(spec.user, passwords), ready]).apply(([all]) => all));
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
      storageClassName: this.storageClassName,
      passwords: this.passwords,
      connectionUri: this.connectionUri,
      readOnlyUri: this.readOnlyUri,
      readme: this.readme,
    });
  }

  /** A URN holds the types of a resource's parents but not their names: children carry the cluster's name. */
  private childName(child: string): string {
    return `${resourceNames.get(this)}-${child}`;
  }

  /** None where the namespace is somebody else's. */
  private createNamespace(spec: ClusterSpec): k8s.core.v1.Namespace[] {
    if (!spec.createNamespace) return [];
    const metadata = { name: spec.namespace, labels: spec.namespaceLabels };
    // Deleting a namespace deletes the claims in it, whatever their own retention says.
    const options = { parent: this, retainOnDelete: spec.keepVolumes, protect: spec.protect };
    return [new k8s.core.v1.Namespace(this.childName("namespace"), { metadata }, options)];
  }

  /** None where an existing class is used. */
  private createStorageClass(spec: ClusterSpec): k8s.storage.v1.StorageClass[] {
    if (!spec.storageClass) return [];
    const options = {
      parent: this,
      // Immutable in Kubernetes, yet the provider would try to update it in place.
      replaceOnChanges: ["volumeBindingMode"],
      // Immutable, too, and only for disks that are not made yet: `keepVolumes` could not change on a live cluster.
      ignoreChanges: ["reclaimPolicy"],
    };
    const args = storageClass(spec.storageClass, spec.labels);
    return [new k8s.storage.v1.StorageClass(this.childName("storage-class"), args, options)];
  }

  /** Always retained: pods that are taken away leave theirs, and with `keepVolumes: false` the StatefulSet takes them along. */
  private createClaims(spec: ClusterSpec, dependsOn: pulumi.Resource[]): k8s.core.v1.PersistentVolumeClaim[] {
    return Array.from({ length: spec.replicas }, (_, ordinal) => {
      const options = { parent: this, dependsOn, retainOnDelete: true, ignoreChanges: fixedClaimFields };
      const args = persistentVolumeClaim(spec, ordinal);
      const claim = new k8s.core.v1.PersistentVolumeClaim(this.childName(`claim-${ordinal}`), args, options);
      sayUngrown(spec, ordinal, claim);
      return claim;
    });
  }

  private createPasswords(spec: ClusterSpec): Passwords {
    // Only `passwordGeneration` may ever renew a password: the data keeps the old one until the pods have the new.
    const password = (login: string): random.RandomPassword =>
      new random.RandomPassword(
        this.childName(`${login}-password`),
        { length: 32, special: false, keepers: { generation: `${spec.passwordGeneration}` } },
        { parent: this, ignoreChanges: ["length", "special"] },
      );
    const roles = spec.roles.map(({ name }): [string, random.RandomPassword] => [name, password(`role-${name}`)]);
    return { user: password("user"), replication: password("replication"), roles: Object.fromEntries(roles) };
  }

  private createSecret(
    spec: ClusterSpec,
    { user, replication, roles }: Passwords,
    options: pulumi.CustomResourceOptions,
  ): k8s.core.v1.Secret {
    const ofRoles = Object.entries(roles).map(([name, { result }]) => [passwordKey(name), result]);
    const stringData = {
      POSTGRES_PASSWORD: user.result,
      REPLICATION_PASSWORD: replication.result,
      ...Object.fromEntries(ofRoles),
    };
    const metadata = { name: spec.names.secret, namespace: spec.namespace, labels: spec.labels };
    return new k8s.core.v1.Secret(this.childName("secret"), { metadata, type: "Opaque", stringData }, options);
  }

  private createConfigMaps(spec: ClusterSpec, options: pulumi.CustomResourceOptions): k8s.core.v1.ConfigMap[] {
    const configMap = (child: string, name: string, data: Record<string, string>): k8s.core.v1.ConfigMap =>
      new k8s.core.v1.ConfigMap(
        this.childName(child),
        { metadata: { name, namespace: spec.namespace, labels: spec.labels }, data },
        options,
      );
    return [
      configMap("config", spec.names.configMap, configData(spec)),
      configMap("scripts", spec.names.scriptsConfigMap, scripts()),
    ];
  }

  private createServices(spec: ClusterSpec, options: pulumi.CustomResourceOptions): k8s.core.v1.Service[] {
    return [
      new k8s.core.v1.Service(this.childName("headless-service"), headlessService(spec), options),
      new k8s.core.v1.Service(this.childName("primary-service"), primaryService(spec), options),
    ];
  }

  private createDisruptionBudget(spec: ClusterSpec, options: pulumi.CustomResourceOptions): void {
    new k8s.policy.v1.PodDisruptionBudget(this.childName("pod-disruption-budget"), podDisruptionBudget(spec), options);
  }

  private createStatefulSet(spec: ClusterSpec, dependsOn: pulumi.Resource[]): k8s.apps.v1.StatefulSet {
    const options = { parent: this, dependsOn, protect: spec.protect, ignoreChanges: fixedFields };
    const made = new k8s.apps.v1.StatefulSet(this.childName("stateful-set"), statefulSetOf(spec), options);
    made.status.apply((status) => sayHeld(spec, status, made));
    return made;
  }

  /**
   * Exists once the pods were first ready; from then on an empty primary volume is a loss and not a first start, and
   * scripts/rebuild.sh refuses it until `recoverPrimaryFrom` names a replica. Its annotations say what the data is.
   */
  private createLatch(spec: ClusterSpec, pods: k8s.apps.v1.StatefulSet): k8s.core.v1.ConfigMap {
    const { namespace, labels } = spec;
    const metadata = { name: spec.names.latchConfigMap, namespace, labels, annotations: recordAnnotations(spec) };
    const data = { initialized: "This cluster has been ready once: its primary's volume must not be empty.\n" };
    // It lives as long as the volumes it guards.
    const lasting = { retainOnDelete: spec.keepVolumes, ignoreChanges: recordedFields(spec) };
    const options = { parent: this, dependsOn: pods, ...lasting };
    return new k8s.core.v1.ConfigMap(this.childName("latch"), { metadata, data }, options);
  }
}

/** Growing is the driver's work, and goes on after Pulumi has asked for it. */
function sayUngrown(spec: ClusterSpec, ordinal: number, claim: k8s.core.v1.PersistentVolumeClaim): void {
  if (pulumi.runtime.isDryRun()) return;
  claim.status.apply(async (status) => {
    const has = smallerThanAsked(spec.storageSize, status?.capacity?.storage);
    if (has === undefined) return;
    const name = claimName(spec, ordinal);
    const watch = `kubectl get pvc -n ${spec.namespace} ${name}`;
    const words = `${name} asks for ${spec.storageSize} and had ${has} when it was last read; its driver grows it. See: ${watch}`;
    await pulumi.log.warn(words, claim);
  });
}

/** A rollout that `updateStrategy` holds is not done when Pulumi is: it does not wait for it. */
async function sayHeld(
  { updateStrategy: { type, partition }, namespace, selector }: ClusterSpec,
  status: k8s.types.output.apps.v1.StatefulSetStatus | undefined,
  statefulSet: k8s.apps.v1.StatefulSet,
): Promise<void> {
  if (pulumi.runtime.isDryRun() || status === undefined || (type !== "OnDelete" && partition === 0)) return;
  const strategy = type === "OnDelete" ? "updateStrategy.type OnDelete" : `updateStrategy.partition ${partition}`;
  const look = `kubectl get pods -n ${namespace} -l app=${selector.app} -L controller-revision-hash`;
  const words = `${strategy} keeps pods on an older revision, and Pulumi does not wait for the others. Which run what: ${look}`;
  await pulumi.log.warn(words, statefulSet);
}

function byRole(user: string, { user: ofUser, roles }: Passwords): pulumi.Output<Record<string, string>> {
  const ofRoles = Object.entries(roles).map(([name, { result }]) => [name, result]);
  return pulumi.all({ [user]: ofUser.result, ...Object.fromEntries(ofRoles) });
}

/** What an update leaves alone must not go unnoticed. Rejects with a SettingsError, at preview already. */
function demandKept(
  spec: ClusterSpec,
  statefulSet: k8s.apps.v1.StatefulSet,
  latch: k8s.core.v1.ConfigMap,
): pulumi.Output<void> {
  return pulumi.all([statefulSet.spec, latch.metadata]).apply(([live, { name, namespace, annotations }]) => {
    const kept = fixedFieldsOf(live);
    const record = { name: nameOfLatch(name), namespace, ...readRecord(annotations) };
    const changes = recordProblems(spec, record);
    // A class is named after the cluster: what follows from another name is no second mistake.
    const renamed = changes.some(({ setting }) => setting === "name" || setting === "namespace");
    const problems = [...changes, ...(kept === undefined || renamed ? [] : fixedFieldProblems(spec, kept))];
    if (problems.length > 0) throw new SettingsError(problems);
  });
}
