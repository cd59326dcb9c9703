import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inMemory, scripts } from "./environment";
import { Pod } from "./pod";
import { until } from "./processes";

export { kills, programs } from "./environment";
export type { Pod } from "./pod";
export { until } from "./processes";

// Real pods without Kubernetes: the real supervisor as PID 1 of an own process namespace, as the user postgres, on
// directories laid out like the pod's mounts. Every pod has a loopback address of its own instead of a host name.

let clusters = 0;
const roots = new Set<string>();
// Also of a cluster that no test of a filtered run disposes of.
process.on("exit", () => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** TLS of the pods, and the files of the Secret that they have mounted for it. */
export interface Tls {
  mode: "off" | "self-signed" | "secret";
  secret: Record<string, string>;
  /** Days that a certificate of the pods' own lives, and before its end that it is renewed. */
  days?: number;
  renewBefore?: number;
}

/** Settings of the pods of one cluster; each has the product's default. */
export interface ClusterOptions {
  database?: string;
  user?: string;
  password?: string;
  replicationPassword?: string;
  /** Passwords of the roles that every cluster has, and of a superuser that may connect, by the Secret's key. */
  generatedPasswords?: Record<string, string>;
  /** Passwords of the roles that the settings add, by name. */
  rolePasswords?: Record<string, string>;
  /** More lines of postgresql.conf. */
  conf?: string[];
  /** More files of the ConfigMap. */
  files?: Record<string, string>;
  /** Makes the pods' TLS what the setting `tls` says; default off. */
  tls?: Tls;
  /** More environment of the pods. */
  env?: Record<string, string>;
  /** Volumes on the disk, for tests that measure. */
  onDisk?: boolean;
}

/** The pods of one StatefulSet, and the directories that stand for its volumes, ConfigMaps and Secret. */
export class Cluster {
  readonly root: string;
  readonly network: string;
  readonly database: string;
  readonly user: string;
  password: string;
  replicationPassword: string;
  generatedPasswords: Record<string, string>;
  rolePasswords: Record<string, string>;
  conf: string[];
  files: Record<string, string>;
  tls: Tls;
  readonly env: Record<string, string>;
  private readonly pods = new Map<number, Pod[]>();

  constructor(options: ClusterOptions = {}) {
    clusters += 1;
    this.root = mkdtempSync(join(options.onDisk ? tmpdir() : inMemory, "postgres-bootstrap-"));
    this.network = `127.${(process.pid % 200) + 20}.${clusters % 250}`;
    this.database = options.database ?? "myapp";
    this.user = options.user ?? "appuser";
    this.password = options.password ?? "app-secret-1";
    this.replicationPassword = options.replicationPassword ?? "replication-secret-1";
    this.generatedPasswords = options.generatedPasswords ?? {
      READONLY_PASSWORD: "readonly-secret-1",
      MONITORING_PASSWORD: "monitoring-secret-1",
    };
    this.rolePasswords = options.rolePasswords ?? {};
    this.conf = options.conf ?? [];
    this.files = options.files ?? {};
    this.tls = options.tls ?? { mode: "off", secret: {} };
    this.env = options.env ?? {};
    roots.add(this.root);
    execFileSync("chmod", ["0755", this.root]);
    mkdirSync(join(this.root, "scripts"));
    mkdirSync(join(this.root, "latch"));
    cpSync(scripts, join(this.root, "scripts"), { recursive: true });
  }

  /** A pod of that ordinal, not yet started; a second one of the same ordinal shares the first one's volume. */
  async pod(ordinal: number): Promise<Pod> {
    const before = this.pods.get(ordinal) ?? [];
    const pod = new Pod(this, ordinal, before.length);
    this.pods.set(ordinal, [...before, pod]);
    await pod.layOut();
    return pod;
  }

  /** A started pod that accepts connections. */
  async ready(ordinal: number): Promise<Pod> {
    const pod = await this.pod(ordinal);
    pod.start();
    await pod.waitReady();
    return pod;
  }

  address(ordinal: number): string {
    return `${this.network}.${ordinal + 10}`;
  }

  volume(ordinal: number): string {
    return join(this.root, `volume-${ordinal}`);
  }

  /** The program's first-time mark: from now on the cluster is known to have been ready. */
  latch(): void {
    writeFileSync(join(this.root, "latch", "initialized"), "");
  }

  /** Ends every pod and removes every directory. */
  async dispose(): Promise<void> {
    for (const pod of [...this.pods.values()].flat()) await pod.kill();
    await rm(this.root, { recursive: true, force: true });
    roots.delete(this.root);
  }
}

/** Waits until the replica streams and has replayed everything the primary has written so far. */
export async function waitStreaming(primary: Pod, replica: Pod, seconds = 30): Promise<void> {
  const lsn = await primary.sql("SELECT pg_current_wal_lsn()");
  await until(
    `${replica.name} to catch up`,
    async () => {
      const state = await primary.psql(
        `SELECT state = 'streaming' AND replay_lsn >= '${lsn}' FROM pg_stat_replication WHERE application_name = '${replica.name}'`,
      );
      return state.stdout === "t";
    },
    seconds,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; its log:\n${replica.logs()}`);
  });
}
