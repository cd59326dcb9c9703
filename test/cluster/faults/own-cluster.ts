import { type Login, psycopg2 } from "../client";
import { eventually } from "../kubernetes";
import type { TestStack } from "../stack";
import type { WithPrimary } from "./primary-faults";
import { postmasterOf } from "./processes";

/** A cluster of this program, deployed by a real `up`. */
export class OwnCluster implements WithPrimary {
  readonly title = "this program";
  readonly judged = true;
  private rolls = 0;

  constructor(readonly stack: TestStack) {}

  get dns(): string {
    return this.stack.dns;
  }

  get namespace() {
    return this.stack.namespace;
  }

  connect(): Login {
    return { dsn: this.stack.outputs.connectionUri };
  }

  /** The app can log in, all pods are Ready, all replicas stream and have what the primary has. */
  async whole(): Promise<void> {
    const pods = this.stack.outputs.endpoints.map(({ pod }) => pod);
    await eventually(
      "all pods Ready",
      async () => {
        const found = await this.namespace.pods();
        const ready = found.filter(({ status, metadata }) =>
          metadata.deletionTimestamp === undefined
            ? status.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
            : false,
        );
        return ready.length === pods.length && found.length === pods.length ? true : undefined;
      },
      180,
    );
    await this.namespace.allStreaming(...pods.slice(1));
    // A new password is there when the pods have their files, which can take a while.
    const lsn = await eventually(
      "an answer over the network",
      async () => (await psycopg2(this.dns, this.connect(), "select pg_current_wal_lsn()"))[0]?.[0],
      90,
    );
    for (const pod of pods.slice(1)) {
      await eventually(`${pod} to have replayed ${lsn}`, async () =>
        (await this.namespace.superuser(pod, `select pg_last_wal_replay_lsn() >= '${lsn}'`)) === "t" ? true : undefined,
      );
    }
  }

  async uid(pod = "postgres-0"): Promise<string> {
    return (await this.namespace.pod(pod)).metadata.uid;
  }

  async killPostmaster(): Promise<void> {
    process.kill(postmasterOf(await this.uid()), "SIGKILL");
  }

  async deletePrimary(...options: string[]): Promise<void> {
    await this.namespace.kubectl("delete", "pod", "postgres-0", ...options);
  }

  /** Changes a parameter that needs a restart of all three. */
  async roll(): Promise<void> {
    this.rolls += 1;
    await this.stack.up({ parameters: { max_locks_per_transaction: `${64 + this.rolls}` } });
  }
}
