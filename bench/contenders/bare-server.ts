import { postgresImage } from "../../local/node";
import { runOrThrow } from "../../local/tools/run";
import { postmasterOf } from "../../test/cluster/faults/processes";
import { eventually, type Namespace } from "../../test/cluster/kubernetes";
import { ControlGroup } from "./control-group";

const pgbench = "/usr/lib/postgresql/15/bin/pgbench";

const start = `set -e
initdb --no-sync --auth=trust --pgdata=/data/pgdata >/dev/null
echo 'host all all all trust' >>/data/pgdata/pg_hba.conf
exec postgres -D /data/pgdata -c config_file=/config/postgresql.conf -c listen_addresses='*' -c unix_socket_directories=/tmp`;

/** A server of which nothing but its settings differs from the others: one pod, no replication, no TLS. */
export class BareServer {
  private address = "";
  private uid = "";

  constructor(
    readonly name: string,
    private readonly namespace: Namespace,
    private readonly settings: string,
    private readonly limits: { cpu: string; memory: string },
  ) {}

  /** Resolves when it answers. */
  async deploy(): Promise<void> {
    const { name, limits } = this;
    await this.namespace.apply(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { "postgresql.conf": this.settings } },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: {
          securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999 },
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "postgres",
              image: postgresImage,
              command: ["bash", "-c", start],
              resources: { limits, requests: { cpu: "50m", memory: "128Mi" } },
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "config", mountPath: "/config" },
                { name: "shm", mountPath: "/dev/shm" },
              ],
            },
          ],
          volumes: [
            { name: "data", emptyDir: {} },
            { name: "config", configMap: { name } },
            { name: "shm", emptyDir: { medium: "Memory" } },
          ],
        },
      },
    );
    await eventually(`the answer of ${name}`, async () => {
      const { metadata, status } = await this.namespace.pod(name);
      this.uid = metadata.uid;
      this.address = status.podIP ?? "";
      return (await this.sql("select 1")) === "1" ? true : undefined;
    });
  }

  async sql(statement: string): Promise<string> {
    const psql = ["psql", "-XAtq", "-h", "/tmp", "-U", "postgres", "-d", "postgres", "-c", statement];
    return (await this.namespace.kubectl("exec", this.name, "--", ...psql)).trim();
  }

  /** Runs pgbench beside the pod, which its limits do not count. @returns transactions per second. */
  async pgbench(...args: string[]): Promise<number> {
    const login = ["-h", this.address, "-U", "postgres", "postgres"];
    const said = await runOrThrow(pgbench, [...args, ...login]);
    return Number(/^tps = ([\d.]+)/m.exec(said)?.[1] ?? Number.NaN);
  }

  /** Bytes that count against the limit and cannot be given back: those of processes and of shared memory. */
  usedBytes(): number {
    const group = this.group("memory");
    return group.field("memory.stat", group.isVersion1 ? "rss" : "anon") + group.field("memory.stat", "shmem");
  }

  /** What the kernel lets it have. */
  memoryLimitBytes(): number {
    const group = this.group("memory");
    return Number(group.text(group.isVersion1 ? "memory.limit_in_bytes" : "memory.max"));
  }

  /** Processes that the kernel ended because the limit was reached. */
  outOfMemoryKills(): number {
    const group = this.group("memory");
    return group.field(group.isVersion1 ? "memory.oom_control" : "memory.events", "oom_kill");
  }

  /** How often its container was started anew. */
  async restarts(): Promise<number> {
    const count = ["-o", "jsonpath={.status.containerStatuses[0].restartCount}"];
    return Number(await this.namespace.kubectl("get", "pod", this.name, ...count));
  }

  /** Time on a processor since it started, in seconds. */
  processorSeconds(): number {
    const account = this.group("cpuacct");
    if (account.isVersion1) return Number(account.text("cpuacct.usage")) / 1e9;
    return this.group("cpu").field("cpu.stat", "usage_usec") / 1e6;
  }

  /** Periods of its CPU limit since it started in which it did anything, and those in which it had to wait for the next. */
  periods(): { all: number; throttled: number } {
    const group = this.group("cpu");
    return { all: group.field("cpu.stat", "nr_periods"), throttled: group.field("cpu.stat", "nr_throttled") };
  }

  private group(controller: string): ControlGroup {
    return new ControlGroup(controller, postmasterOf(this.uid));
  }
}
