import { randomBytes } from "node:crypto";
import { ensureVolumes, postgresImage, releaseVolumes } from "../../../local/node";
import type { Login } from "../client";
import { eventually, localClass, Namespace } from "../kubernetes";
import { embeddedNode } from "../stack";
import type { WithPrimary } from "./primary-faults";
import { postmasterOf } from "./processes";

const kind = "clusters.postgresql.cnpg.io";
const name = "peer";

interface Status {
  status?: { phase?: string; readyInstances?: number; currentPrimary?: string };
}

/**
 * CloudNativePG with its defaults: same image, same number of instances and same limits, on the same node. Its
 * operator is not part of this project: who wants the comparison installs it.
 */
export class CloudNativePg implements WithPrimary {
  readonly title: string;
  readonly judged = false;
  private login: Login = {};
  private rolls = 0;

  private constructor(
    readonly namespace: Namespace,
    readonly dns: string,
    private readonly instances: number,
  ) {
    this.title = `CloudNativePG (defaults, ${instances} instances)`;
  }

  /** Whether the embedded node has an operator for one. */
  static async isInstalled(): Promise<boolean> {
    const { tools, node } = await embeddedNode();
    const namespace = new Namespace("default", tools.kubectl, node.kubeconfig);
    return (await namespace.kubectl("get", "crd", kind, "--ignore-not-found", "-o", "name")) !== "";
  }

  /** One that is still to be deployed. */
  static async create(instances = 3): Promise<CloudNativePg> {
    const { tools, node } = await embeddedNode();
    const namespace = new Namespace(`cnpg-${randomBytes(3).toString("hex")}`, tools.kubectl, node.kubeconfig);
    return new CloudNativePg(namespace, node.dns, instances);
  }

  /** Its namespace, and volumes for it. */
  async prepare(): Promise<void> {
    const { name } = this.namespace;
    await this.namespace.kubectl("create", "namespace", name);
    await this.namespace.apply(localClass(name));
    // More than instances: one that is built anew gets a new claim.
    await ensureVolumes({ storageClassName: name, size: "10Gi", count: 5 });
  }

  /** Resolves when its operator calls all of it healthy, and all replicas stream. */
  async deploy(): Promise<void> {
    const storageClass = this.namespace.name;
    await this.namespace.apply({
      apiVersion: "postgresql.cnpg.io/v1",
      kind: "Cluster",
      metadata: { name },
      spec: {
        instances: this.instances,
        imageName: postgresImage,
        imagePullPolicy: "IfNotPresent",
        postgresUID: 999,
        postgresGID: 999,
        storage: { size: "10Gi", storageClass },
        resources: { requests: { cpu: "50m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
      },
    });
    await this.whole();
    const streaming = "select count(*) from pg_stat_replication where state = 'streaming'";
    await eventually("all replicas of CloudNativePG to stream", async () =>
      Number(await this.superuser(streaming)) === this.instances - 1 ? true : undefined,
    );
    const secret = await this.namespace.json<{ data: { password: string } }>("get", "secret", `${name}-app`);
    this.login = {
      host: `${name}-rw.${this.namespace.name}.svc.cluster.local`,
      database: "app",
      user: "app",
      password: Buffer.from(secret.data.password, "base64").toString(),
    };
  }

  connect(): Login {
    return this.login;
  }

  private async status(): Promise<Status["status"]> {
    return (await this.namespace.json<Status>("get", kind, name)).status;
  }

  async whole(): Promise<void> {
    await eventually(
      `${this.instances} healthy instances of CloudNativePG`,
      async () => {
        const status = await this.status();
        const whole = status?.phase === "Cluster in healthy state" && status.readyInstances === this.instances;
        return whole ? true : undefined;
      },
      300,
    );
  }

  /** SQL by the superuser in the primary. */
  async superuser(sql: string): Promise<string> {
    const psql = ["psql", "-XAtq", "-U", "postgres", "-d", "postgres", "-c", sql];
    return this.namespace.kubectl("exec", await this.primary(), "-c", "postgres", "--", ...psql);
  }

  private async primary(): Promise<string> {
    return (await this.status())?.currentPrimary ?? "";
  }

  async killPostmaster(): Promise<void> {
    const { metadata } = await this.namespace.pod(await this.primary());
    process.kill(postmasterOf(metadata.uid), "SIGKILL");
  }

  async deletePrimary(...options: string[]): Promise<void> {
    await this.namespace.kubectl("delete", "pod", await this.primary(), ...options);
  }

  /** Restarts all three, as its kubectl plugin's `restart` does. */
  async roll(): Promise<void> {
    this.rolls += 1;
    const annotation = `kubectl.kubernetes.io/restartedAt=${this.rolls}`;
    await this.namespace.kubectl("annotate", kind, name, "--overwrite", annotation);
    await eventually("the start of the roll", async () =>
      (await this.status())?.phase === "Cluster in healthy state" ? undefined : true,
    );
    await this.whole();
  }

  /** Removes it, or as much as there is of it. */
  async remove(): Promise<void> {
    await this.namespace.kubectl("delete", kind, name, "--ignore-not-found");
    await this.namespace.remove();
    await this.namespace.kubectl("delete", "storageclass", this.namespace.name, "--ignore-not-found");
    await releaseVolumes(this.namespace.name);
  }
}
