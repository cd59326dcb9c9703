import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { passwordKey } from "../../components/postgres/additions/files";
import { pgIdent } from "../../components/postgres/config";
import { pgHba } from "../../components/postgres/hba";
import { ids } from "./environment";
import type { Cluster, Tls } from "./harness";
import { project } from "./processes";

/** What a pod's scripts know of TLS. Its host is an address here, which libpq looks for among the names, too. */
function tlsFile({ mode, days = 90, renewBefore = 30 }: Tls, address: string): string {
  return `mode ${mode}\nsecret postgres-tls\ndays ${days}\nrenew-before ${renewBefore}\nhost ${address}\nname postgres-svc\n`;
}

/** What a pod has mounted: its volume, and the files of ConfigMap and Secrets, as the kubelet would write them. */
export class Mounts {
  readonly volume: string;
  readonly data: string;
  readonly run: string;
  readonly address: string;
  protected readonly home: string;

  constructor(
    readonly cluster: Cluster,
    readonly ordinal: number,
    generation: number,
  ) {
    this.volume = cluster.volume(ordinal);
    this.data = join(this.volume, "pgdata");
    this.home = join(cluster.root, `pod-${ordinal}-${generation}`);
    this.run = join(this.home, "run");
    this.address = cluster.address(ordinal);
  }

  /** Makes the pod's directories. */
  async layOut(): Promise<void> {
    for (const directory of [this.volume, this.home, this.run]) {
      await mkdir(directory, { recursive: true });
      await chown(directory, ids.uid, ids.gid);
    }
    await this.writeConfig();
    await this.writeSecrets();
    await this.writeTlsSecret();
  }

  /** Replaces the ConfigMap's files the way the kubelet does: a new directory, then one symbolic link. */
  async writeConfig(conf: string[] = this.cluster.conf, files: Record<string, string> = {}): Promise<void> {
    const lines = [
      `listen_addresses = '${this.address}'`,
      "wal_level = replica",
      "max_wal_senders = 10",
      "max_replication_slots = 10",
      "hot_standby = on",
      "shared_buffers = 16MB",
      "wal_retrieve_retry_interval = 500ms",
      "wal_receiver_timeout = 10s",
      "wal_sender_timeout = 10s",
      ...(this.cluster.tls.mode === "off" ? [] : ["ssl = on"]),
      ...conf,
    ];
    await project(
      join(this.home, "config"),
      {
        "postgresql.conf": `${lines.join("\n")}\n`,
        tls: tlsFile(this.cluster.tls, this.address),
        "pg_hba.conf": pgHba({
          type: this.cluster.tls.mode === "off" ? "host" : "hostssl",
          database: this.cluster.database,
          superuserAccess: "SUPERUSER_PASSWORD" in this.cluster.generatedPasswords,
        }),
        "pg_ident.conf": pgIdent(this.cluster.user),
        replicas: "3\n",
        ...this.cluster.files,
        ...files,
      },
      ids.gid,
      0o444,
    );
  }

  /** Replaces the Secret's files; without arguments by the cluster's passwords. */
  async writeSecrets(
    password = this.cluster.password,
    replicationPassword = this.cluster.replicationPassword,
  ): Promise<void> {
    const roles = Object.entries(this.cluster.rolePasswords).map(([role, text]) => [passwordKey(role), text]);
    await project(
      join(this.home, "secrets"),
      {
        POSTGRES_PASSWORD: password,
        REPLICATION_PASSWORD: replicationPassword,
        ...this.cluster.generatedPasswords,
        ...Object.fromEntries(roles),
      },
      ids.gid,
      0o440,
    );
  }

  /** Replaces the files of the Secret with the certificate. */
  async writeTlsSecret(files: Record<string, string | Buffer> = this.cluster.tls.secret): Promise<void> {
    await project(join(this.home, "tls"), files, ids.gid, 0o440);
  }
}
