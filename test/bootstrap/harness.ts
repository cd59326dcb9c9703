import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { chown, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pgHba, pgIdent } from "../../components/postgres/config";
import {
  argumentsOf,
  childrenOf,
  commandOf,
  namespacePid,
  project,
  type Result,
  runProgram,
  statusOf,
  until,
} from "./processes";

export { until } from "./processes";

// Real pods without Kubernetes: the real supervisor as PID 1 of an own process namespace, as the user postgres, on
// directories laid out like the pod's mounts. Every pod has a loopback address of its own instead of a host name.

/** PostgreSQL's programs: the highest version that Debian has installed here. */
export const programs = join("/usr/lib/postgresql", highestVersion(), "bin");

/**
 * Where volumes lie: in memory when there is room, for a kill of processes loses nothing of the page cache either way,
 * and a busy disk would only make the tests slow.
 */
const inMemory = statfsSync("/dev/shm").bavail * statfsSync("/dev/shm").bsize > 4 * 1024 ** 3 ? "/dev/shm" : tmpdir();

/** Long repetitions (kill matrices) take their number from KILLS. */
export const kills = Number(process.env.KILLS ?? 6);

const scripts = process.env.SCRIPTS ?? join(__dirname, "../../components/postgres/scripts");
const port = 5440;

function highestVersion(): string {
  const versions = readdirSync("/usr/lib/postgresql").filter((name) => /^\d+$/.test(name));
  return String(Math.max(...versions.map(Number)));
}

function postgresIds(): { uid: number; gid: number } {
  const [, , uid, gid] = execFileSync("getent", ["passwd", "postgres"], { encoding: "utf8" }).split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

const ids = postgresIds();
let clusters = 0;

/** Settings of the pods of one cluster; each has the product's default. */
export interface ClusterOptions {
  database?: string;
  user?: string;
  password?: string;
  replicationPassword?: string;
  /** More lines of postgresql.conf. */
  conf?: string[];
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
  conf: string[];
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
    this.conf = options.conf ?? [];
    this.env = options.env ?? {};
    // Also for a cluster that no test of a filtered run disposes of.
    process.on("exit", () => rmSync(this.root, { recursive: true, force: true }));
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
  }
}

/** One pod: a container that runs the supervisor, or nothing. */
export class Pod {
  readonly volume: string;
  readonly data: string;
  readonly run: string;
  readonly address: string;
  private readonly home: string;
  private container: ChildProcess | undefined;
  private ended: Promise<number> = Promise.resolve(0);
  private output = "";

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

  get name(): string {
    return `postgres-${this.ordinal}`;
  }

  /** Makes the pod's directories. */
  async layOut(): Promise<void> {
    for (const directory of [this.volume, this.home, this.run]) {
      await mkdir(directory, { recursive: true });
      await chown(directory, ids.uid, ids.gid);
    }
    await this.writeConfig();
    await this.writeSecrets();
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
      ...conf,
    ];
    await project(
      join(this.home, "config"),
      {
        "postgresql.conf": `${lines.join("\n")}\n`,
        "pg_hba.conf": pgHba(),
        "pg_ident.conf": pgIdent(this.cluster.user),
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
    await project(
      join(this.home, "secrets"),
      { POSTGRES_PASSWORD: password, REPLICATION_PASSWORD: replicationPassword },
      ids.gid,
      0o440,
    );
  }

  /** Starts the container; the volume, the logs and the mounts stay from an earlier start. */
  start(env: Record<string, string> = {}): void {
    const log = createWriteStream(join(this.home, "log"), { flags: "a" });
    const container = spawn(
      "unshare",
      // A killed test run takes its pods along.
      ["--pid", "--fork", "--mount-proc", "--kill-child", "setpriv", "--reuid", String(ids.uid), "--regid"].concat(
        [String(ids.gid), "--clear-groups", "--no-new-privs", "--bounding-set", "-all"],
        ["/bin/bash", join(this.cluster.root, "scripts", "supervisor.sh")],
      ),
      {
        cwd: "/",
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...this.environment(), ...this.cluster.env, ...env },
      },
    );
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
      log.write(chunk);
    };
    container.stdout.on("data", keep);
    container.stderr.on("data", keep);
    this.ended = new Promise((resolve) => {
      container.on("close", (code) => {
        log.end();
        resolve(code ?? 128);
      });
    });
    container.on("exit", () => {
      if (this.container === container) this.container = undefined;
    });
    this.container = container;
  }

  private environment(): Record<string, string> {
    return {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      VOLUME: this.volume,
      PGDATA: this.data,
      CONFIG_DIR: join(this.home, "config"),
      SECRETS_DIR: join(this.home, "secrets"),
      LATCH_DIR: join(this.cluster.root, "latch"),
      RUN_DIR: this.run,
      TERMINATION_LOG: join(this.run, "termination-log"),
      PGPORT: String(port),
      POD_NAME: this.name,
      PRIMARY_HOST: this.cluster.address(0),
      PEER_HOST_PATTERN: `${this.cluster.network}.1%d`,
      HIGHEST_PEER: "3",
      SELF_HOST: this.address,
      POSTGRES_DB: this.cluster.database,
      POSTGRES_USER: this.cluster.user,
    };
  }

  get running(): boolean {
    return this.container !== undefined;
  }

  /** The supervisor's process id outside its namespace. */
  supervisor(): number | undefined {
    return this.container?.pid === undefined ? undefined : childrenOf(this.container.pid)[0];
  }

  /** Every process of the pod, the supervisor first. */
  processes(): { pid: number; name: string }[] {
    const first = this.supervisor();
    if (first === undefined) return [];
    const found = [first];
    for (const pid of found) found.push(...childrenOf(pid));
    return found.map((pid) => ({ pid, name: commandOf(pid) })).filter(({ name }) => name !== "");
  }

  /** The postmaster's process id outside the namespace. */
  postmaster(): number | undefined {
    const supervisor = this.supervisor();
    if (supervisor === undefined) return undefined;
    // An orphaned backend is the supervisor's child as well; only the postmaster still shows how it was called.
    return childrenOf(supervisor).find((pid) => argumentsOf(pid)[1] === "-D" && commandOf(pid) === "postgres");
  }

  /** The process id outside of a process whose id inside the pod is known. */
  outside(inside: number): number | undefined {
    return this.processes().find(({ pid }) => namespacePid(pid) === inside)?.pid;
  }

  /** Whether a process has ended and nobody has asked for its status. */
  isZombie(pid: number): boolean {
    return /^State:\s+Z/m.test(statusOf(pid));
  }

  /** Kills the postmaster from outside; its backends stay orphaned. Returns its former process id. */
  async killPostmaster(): Promise<number> {
    const pid = await until(`a postmaster in ${this.name}`, () => this.postmaster());
    process.kill(pid, "SIGKILL");
    return pid;
  }

  /** Asks the pod to end, as the kubelet does; resolves with its exit status. */
  async sigterm(): Promise<number> {
    const pid = await until(`a supervisor in ${this.name}`, () => this.supervisor());
    process.kill(pid, "SIGTERM");
    return this.ended;
  }

  /** Ends the whole container at once, as a runtime does with a pod that is deleted by force. */
  async kill(): Promise<void> {
    const pid = this.supervisor();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await this.ended;
  }

  /** Resolves with the exit status when the container ends by itself. */
  exit(seconds = 60): Promise<number> {
    return Promise.race([
      this.ended,
      sleep(seconds * 1000, undefined, { ref: false }).then(() => {
        throw new Error(`${this.name} did not end within ${seconds} s; its log:\n${this.logs()}`);
      }),
    ]);
  }

  /** psql on the pod's socket as the superuser: the rows, fields separated by |. Fails with the server's message. */
  async sql(text: string, database = "postgres"): Promise<string> {
    const { code, stdout, stderr } = await this.psql(text, database);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** psql on the pod's socket as the operating system's user postgres. */
  psql(text: string, database = "postgres", user = "postgres"): Promise<Result> {
    const args = ["-XAtq", "-h", this.run, "-p", String(port), "-U", user, "-d", database, "-c", text];
    return this.asPostgres(join(programs, "psql"), args);
  }

  /** psql over TCP with a password, as an application does. */
  login(user: string, password: string, database: string, text = "SELECT 1"): Promise<Result> {
    const args = ["-XAtqw", "-h", this.address, "-p", String(port), "-U", user, "-d", database, "-c", text];
    return runProgram(join(programs, "psql"), args, { PGPASSWORD: password, PGCONNECT_TIMEOUT: "5" });
  }

  /** A program as the pod's user, outside its namespace. */
  asPostgres(file: string, args: string[], env: Record<string, string> = {}): Promise<Result> {
    const user = ["--reuid", String(ids.uid), "--regid", String(ids.gid), "--clear-groups"];
    return runProgram("setpriv", [...user, file, ...args], env);
  }

  /** The exit status of a probe. */
  async probe(name: "startup" | "readiness" | "liveness"): Promise<number> {
    const script = join(this.cluster.root, "scripts", "probe.sh");
    const { code } = await this.asPostgres("/bin/bash", [script, name], { RUN_DIR: this.run, PGPORT: String(port) });
    return code;
  }

  /** Waits for the readiness probe. */
  async waitReady(seconds = 60): Promise<void> {
    await until(
      `${this.name} to be ready`,
      async () => {
        if (!this.running) throw new Error(`${this.name} ended; its log:\n${this.logs()}`);
        return (await this.probe("readiness")) === 0;
      },
      seconds,
    ).catch((error: Error) => {
      throw new Error(`${error.message}; its log:\n${this.logs()}`);
    });
  }

  /** Everything the pod has written since it was made. */
  logs(): string {
    return this.output;
  }

  /** Waits for a line of log. */
  async waitLog(pattern: RegExp, seconds = 30): Promise<void> {
    await until(`${pattern} in the log of ${this.name}`, () => pattern.test(this.output), seconds).catch(
      (error: Error) => {
        throw new Error(`${error.message}; its log:\n${this.logs()}`);
      },
    );
  }

  /** What Kubernetes would show as the reason of the pod's end. */
  lastWords(): string {
    return readFileSync(join(this.run, "termination-log"), "utf8");
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
