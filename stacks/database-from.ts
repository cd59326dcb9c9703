import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { connectionFiles, services } from "./connection-files";
import type { StackOutputs } from "./outputs";
import { type Cluster, clusterOf, passwordOf } from "./read-outputs";

/** What an app asks of {@link databaseFrom}. */
export interface DatabaseOptions {
  /** Namespace of the app's pods. A pod can mount Secrets of its own namespace only, so one is made there. */
  namespace: pulumi.Input<string>;
  /** Role to connect as: the stack's `user` (default), or one of its `roles`. A change changes the Secret. */
  role?: string;
  /** Database to connect to. Default: the stack's `database`. A change changes the Secret. */
  database?: string;
  /** Folder of the files in the app's containers. Default `/etc/database`. A change rolls the app's pods. */
  mountPath?: string;
  /** Name of the Secret in the app's program, and of the volume in its pods. Default `database`; a second database needs one of its own. */
  name?: string;
}

/** A database as an app's pods need it. Nothing of it is secret: the password is in a file. */
export interface Database {
  /** Where reads and writes go. */
  host: pulumi.Output<string>;
  port: pulumi.Output<number>;
  database: pulumi.Output<string>;
  user: pulumi.Output<string>;
  /** The pods, for reads: replicas first, the primary last, so that reads go on while no replica answers. Same port. */
  readOnlyHosts: pulumi.Output<string[]>;
  /** The Secret that was made in the app's namespace. */
  secretName: pulumi.Output<string>;
  /** The file with the password alone, in the app's containers; for drivers that do not read `PGSERVICEFILE`. */
  passwordFile: string;
  /**
   * PGHOST, PGPORT, PGDATABASE and PGUSER; PGSERVICEFILE names a file with these and the password, and PGSERVICE the
   * section of it: `primary`. libpq, and what is built on it, connects by these alone; `service=replicas` reads.
   */
  env: kubernetes.types.input.core.v1.EnvVar[];
  /** The volume with the files, for the pod. */
  volume: kubernetes.types.input.core.v1.Volume;
  /** The volume's place, for the container. */
  volumeMount: kubernetes.types.input.core.v1.VolumeMount;
}

/**
 * The database of a stack of this program, for the pods of an app that is deployed by another one: its address, and a
 * Secret in the app's namespace with all that connects to it.
 *
 * A rotated password reaches the app by an `up` of the app's stack. With a provider that has `enableSecretMutable` the
 * files of running pods change within about a minute, without a restart; with any other the pods are rolled.
 *
 * @param stack `new pulumi.StackReference("<organization>/kubernetes-postgres/<stack>")`, in any project of the same backend.
 * @param opts options of the Secret: `provider`, `parent`.
 * @throws RunError (message only, at preview already, by way of the outputs) when the stack has no such outputs or no such role.
 */
export function databaseFrom(
  stack: pulumi.StackReference,
  options: DatabaseOptions,
  opts?: pulumi.CustomResourceOptions,
): Database {
  const { namespace, role, mountPath = "/etc/database", name = "database" } = options;
  const cluster = readCluster(stack);
  const user = cluster.apply((found) => role ?? found.user);
  const database = cluster.apply((found) => options.database ?? found.database);
  const password = readPassword(stack, cluster, user);
  const stringData = pulumi
    .all([cluster, user, database, password])
    .apply(([{ primary, readOnly }, user, database, password]) =>
      connectionFiles({ user, database, password, primary, readOnly }),
    );
  const labels = { "app.kubernetes.io/managed-by": "pulumi" };
  const secret = new kubernetes.core.v1.Secret(name, { metadata: { namespace, labels }, stringData }, opts);
  const host = cluster.apply(({ primary }) => primary.host);
  const port = cluster.apply(({ primary }) => primary.port);
  return {
    host,
    port,
    database,
    user,
    readOnlyHosts: cluster.apply(({ readOnly }) => readOnly.map((address) => address.host)),
    secretName: secret.metadata.name,
    passwordFile: `${mountPath}/password`,
    env: [
      { name: "PGHOST", value: host },
      { name: "PGPORT", value: pulumi.interpolate`${port}` },
      { name: "PGDATABASE", value: database },
      { name: "PGUSER", value: user },
      { name: "PGSERVICEFILE", value: `${mountPath}/pg_service.conf` },
      { name: "PGSERVICE", value: services.primary },
    ],
    // Readable by whichever user the container has; only containers that mount it see it.
    volume: { name, secret: { secretName: secret.metadata.name, defaultMode: 0o444 } },
    volumeMount: { name, mountPath, readOnly: true },
  };
}

/** Outputs are values of another program: they are looked at before they are used, whatever their type says. */
const get = (stack: pulumi.StackReference, name: keyof StackOutputs) => stack.getOutput(name);

function readCluster(stack: pulumi.StackReference): pulumi.Output<Cluster> {
  const [primary, endpoints] = [get(stack, "primary"), get(stack, "endpoints")];
  const [database, user] = [get(stack, "database"), get(stack, "user")];
  return pulumi
    .all([stack.name, primary, endpoints, database, user])
    .apply(([name, primary, endpoints, database, user]) => clusterOf(name, { primary, endpoints, database, user }));
}

function readPassword(
  stack: pulumi.StackReference,
  cluster: pulumi.Output<Cluster>,
  user: pulumi.Output<string>,
): pulumi.Output<string> {
  // The cluster comes first: of a stack without any outputs, one error is enough.
  const all = pulumi.all([stack.name, cluster, user, get(stack, "passwords")]);
  return pulumi.secret(all.apply(([name, , role, passwords]) => passwordOf(name, role, passwords)));
}
