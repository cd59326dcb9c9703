import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PodReport, readReport } from "../../local/pulumi/pods/report";
import { ids, port, programs } from "./environment";
import { Mounts } from "./mounts";
import {
  argumentsOf,
  catchesTermination,
  childrenOf,
  commandOf,
  namespacePid,
  type Result,
  runProgram,
  statusOf,
  until,
} from "./processes";

/** One pod: a container that runs the supervisor, or nothing. */
export class Pod extends Mounts {
  private container: ChildProcess | undefined;
  private ended: Promise<number> = Promise.resolve(0);
  private output = "";

  get name(): string {
    return `postgres-${this.ordinal}`;
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
      TLS_DIR: join(this.home, "tls"),
      LATCH_DIR: join(this.cluster.root, "latch"),
      RUN_DIR: this.run,
      TERMINATION_LOG: join(this.run, "termination-log"),
      PGPORT: String(port),
      POD_NAME: this.name,
      PRIMARY_HOST: this.cluster.address(0),
      PEER_HOST_PATTERN: `${this.cluster.network}.1%d`,
      PEER_PATIENCE: "5",
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
    // The kernel drops what process 1 does not catch, and bash catches nothing before its script has begun.
    const hears = (): number | undefined => [this.supervisor() ?? 0].find(catchesTermination);
    const pid = await until(`a supervisor in ${this.name}`, hears, 30, 1);
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

  /** One of the pod's scripts, as `kubectl exec` runs it. */
  private script(file: string, args: string[] = [], env: Record<string, string> = {}): Promise<Result> {
    const command = [join(this.cluster.root, "scripts", file), ...args];
    return this.asPostgres("/bin/bash", command, { ...this.environment(), ...env });
  }

  /** What it says of itself to a person. */
  async report(): Promise<PodReport> {
    const { code, stdout, stderr } = await this.script("report.sh");
    if (code !== 0 || stderr !== "") throw new Error(`report.sh ended with ${code}: ${stderr}`);
    return readReport(stdout);
  }

  /** The exit status of a probe. @param patience seconds that the one for the start may wait. */
  async probe(name: "startup" | "readiness" | "liveness", patience = 0): Promise<number> {
    return (await this.script("probe.sh", [name], { STARTUP_PATIENCE: String(patience) })).code;
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
