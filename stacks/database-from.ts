import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { caPath, connectionFiles, services, sslModeOf } from "./connection-files";
import type { StackOutputs } from "./outputs";
import { type Cluster, clusterOf, databaseOf, passwordOf, unreadable } from "./read-outputs";

/** What an app asks of {@link databaseFrom}. */
export interface DatabaseOptions {
  /** Namespace of the app's pods. A pod can mount Secrets of its own namespace only, so one is made there. */
  namespace: pulumi.Input<string>;
  /**
   * Role to connect as: the stack's `user` (default), `readonly` for its `database` alone, `monitoring`, or one of its `roles`.
   * A change changes the Secret.
   */
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
   * section of it: `primary`. PGSSLMODE and PGSSLROOTCERT are for what does not read that file. libpq, and what is built on it, connects by these alone; `service=replicas` reads.
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
 * @param stack name of the cluster's stack, `<organization>/kubernetes-postgres/<stack>`, in the same backend; or a
 *   StackReference to it, where the program has one already.
 * @param opts options of the Secret: `provider`, `parent`.
 * @throws RunError (message only, at preview already, by way of the outputs) when the stack has no such outputs or no such role.
 */
export function databaseFrom(
  stack: string | pulumi.StackReference,
  options: DatabaseOptions,
  opts?: pulumi.CustomResourceOptions,
): Database {
  const { namespace, role, mountPath = "/etc/database", name = "database" } = options;
  const outputs = outputsOf(stack);
  const cluster = readCluster(outputs);
  const user = cluster.apply((found) => role ?? found.user);
  const database = pulumi
    .all([outputs.stack, cluster])
    .apply(([name, found]) => databaseOf(name, found, role, options.database));
  const password = readPassword(outputs, cluster, user);
  const stringData = pulumi
    .all([cluster, user, database, password])
    .apply(([{ primary, readOnly, tls }, user, database, password]) =>
      connectionFiles({ user, database, password, primary, readOnly, tls, folder: mountPath }),
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
      { name: "PGSSLMODE", value: cluster.apply(({ tls }) => sslModeOf(tls)) },
      // Heeded where there is such a file.
      { name: "PGSSLROOTCERT", value: caPath(mountPath) },
    ],
    // Readable by whichever user the container has; only containers that mount it see it.
    volume: { name, secret: { secretName: secret.metadata.name, defaultMode: 0o444 } },
    volumeMount: { name, mountPath, readOnly: true },
  };
}

/** The outputs of a stack, as values to be looked at before they are used, whatever their type says. */
interface Outputs {
  stack: pulumi.Output<string>;
  get: (name: keyof StackOutputs) => pulumi.Output<unknown>;
}

/**
 * The engine ends a program at a StackReference to a stack that is not there. Asked for the outputs alone, it says so, and
 * we can say what to do.
 */
function outputsOf(stack: string | pulumi.StackReference): Outputs {
  if (typeof stack !== "string") return { stack: stack.name, get: (name) => stack.getOutput(name) };
  const found = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name: stack }).then(
    ({ outputs }: { outputs: Record<string, unknown> }) => outputs,
    (error: unknown) => {
      throw unreadable(stack, error);
    },
  );
  return { stack: pulumi.output(stack), get: (name) => pulumi.output(found.then((outputs) => outputs[name])) };
}

function readCluster({ stack, get }: Outputs): pulumi.Output<Cluster> {
  return pulumi
    .all([stack, get("primary"), get("endpoints"), get("database"), get("user"), get("tls")])
    .apply(([name, primary, endpoints, database, user, tls]) =>
      clusterOf(name, { primary, endpoints, database, user, tls }),
    );
}

function readPassword(
  { stack, get }: Outputs,
  cluster: pulumi.Output<Cluster>,
  user: pulumi.Output<string>,
): pulumi.Output<string> {
  // The cluster comes first: of a stack without any outputs, one error is enough.
  const all = pulumi.all([stack, cluster, user, get("passwords")]);
  return pulumi.secret(all.apply(([name, , role, passwords]) => passwordOf(name, role, passwords)));
}
