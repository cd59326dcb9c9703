import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { listVolumes } from "../../../local/node";
import { paths as nodePaths } from "../../../local/node/settings";
import type { Workspace } from "../../../local/pulumi/workspace";
import { AppStack } from "../app-stack";
import { CommandLine, type Finished } from "../command-line";
import { eventually, type Namespace } from "../kubernetes";
import { plainPlan } from "../stack";
import { Sampling } from "./sampling";
import { type Text, Values } from "./values";

/** What a server can be told to write about statements and sessions. */
const loud = {
  log_statement: "all",
  log_connections: "on",
  log_disconnections: "on",
  log_min_duration_statement: "0",
  log_replication_commands: "on",
};

const keyFile = "/var/lib/postgresql/data/tls/tls.key";

/** The life of a stack, by the commands that people use, with everything that it leaves where one could look. */
export class Life {
  readonly values = new Values();
  /** What was printed, standard output and standard error, by the command that did. */
  readonly printed: Text[] = [];
  /** Of the app's role, as it is now. */
  password = "";
  /** The example app, once it is deployed. */
  app: AppStack | undefined;
  private readonly rendered: string;

  private constructor(
    readonly line: CommandLine,
    readonly sampling: Sampling,
    /** Where the commands have their temporary files, and npm its logs. */
    readonly temporary: string,
  ) {
    this.rendered = join(temporary, "rendered");
  }

  static async start(): Promise<Life> {
    const temporary = mkdtempSync(join(tmpdir(), "secrets-"));
    const logs = join(temporary, "npm");
    mkdirSync(logs);
    const line = await CommandLine.create("secrets", {}, { TMPDIR: temporary, npm_config_logs_dir: logs });
    const life = new Life(line, await Sampling.start(temporary), temporary);
    life.write();
    return life;
  }

  get namespace(): Namespace {
    return this.line.namespace;
  }

  private write(settings: Record<string, unknown> = {}): void {
    const { stack } = this.line;
    this.line.write({
      namespace: stack,
      replicas: 2,
      resources: { requests: { cpu: "50m", memory: "128Mi" } },
      roles: [{ name: "reporting" }],
      parameters: loud,
      networkPolicy: { clients: [{ namespace: stack }, { namespace: `${stack}-app` }] },
      ...settings,
    });
  }

  private note(title: string, { out, err }: Pick<Finished, "out" | "err">): void {
    this.printed.push([title, `${out}\n${err}`]);
  }

  /** Runs one of package.json's commands, and keeps what it prints. */
  async run(code: number, command: string, ...args: string[]): Promise<void> {
    const finished = await this.line.run(command, ...args);
    this.note(["npm run", command, ...args].join(" "), finished);
    expect(finished.code, `${command}: ${finished.err}`).to.equal(code);
  }

  async workspace(): Promise<Workspace> {
    return (await this.line.open()).workspace;
  }

  /** Runs Pulumi's own CLI on the stack, and keeps what it prints. */
  private async pulumi(...args: string[]): Promise<void> {
    const { stack, engine, paths } = await this.workspace();
    const environment = { ...stack.workspace.envVars, PULUMI_HOME: paths.pulumiHome };
    const { stdout, stderr } = await engine.run([...args, "--stack", stack.name], paths.work, environment);
    this.note(["pulumi", ...args].join(" "), { out: stdout, err: stderr });
  }

  /** The first `up`, which is killed, and the one that goes on from there. */
  async begin(): Promise<void> {
    await this.run(2, "preview");
    const up = this.line.start("up");
    await eventually("the first pod", async () => ((await this.namespace.pods()).length > 0 ? true : undefined), 180);
    process.kill(-(up.child.pid ?? 0), "SIGKILL");
    this.note("npm run up, killed", await up.finished);
    await this.run(0, "up");
    await this.namespace.allStreaming("postgres-1");
    await this.collect("at first");
  }

  /** The example app, which has the database of this stack. */
  async deployApp(): Promise<void> {
    const cluster = { name: this.line.stack, workspace: () => this.workspace() };
    this.app ??= await AppStack.create(cluster);
    await this.app.up();
  }

  /** The cluster's and the app's. */
  namespaces(): Namespace[] {
    return [this.namespace, ...(this.app ? [this.app.namespace] : [])];
  }

  /** All passwords are renewed and another role is made, after everything that can be asked about that. */
  async change(): Promise<void> {
    this.write({ passwordGeneration: 2, roles: [{ name: "reporting" }, { name: "auditing" }] });
    const plan = join(this.temporary, "plan.json");
    writeFileSync(plan, await plainPlan(await this.workspace()));
    this.printed.push(["pulumi preview --json", readFileSync(plan, "utf8")]);
    for (const format of ["text", "markdown", "json"]) {
      await this.run(2, "preview", "--format", format);
      await this.run(2, "verdict", "--plan", plan, "--format", format);
    }
    await this.run(0, "up");
    for (const role of ["appuser", "replicator", "reporting", "auditing"]) {
      await eventually(
        `the new password of ${role}`,
        async () =>
          (await this.namespace.kubectl("logs", "postgres-0")).includes(`applied the password of role ${role}\n`)
            ? true
            : undefined,
        120,
      );
    }
    await this.collect("renewed");
  }

  /** All that shows how things are, or would be. */
  async ask(): Promise<void> {
    await this.run(0, "status");
    await this.run(0, "status", "--json");
    await this.run(0, "policy");
    await this.run(0, "render", "--out", this.rendered);
    for (const args of [["export"], ["output"], ["output", "--json"], ["history", "--json"], []])
      await this.pulumi("stack", ...args);
  }

  /** The replica loses its volume and clones the primary. */
  async cloneAgain(): Promise<void> {
    const { uid } = (await this.namespace.pod("postgres-1")).metadata;
    await this.namespace.kubectl("delete", "pvc", "data-postgres-1", "--wait=false");
    await this.namespace.kubectl("delete", "pod", "postgres-1");
    await eventually(
      "a new postgres-1",
      async () => ((await this.namespace.pod("postgres-1")).metadata.uid === uid ? undefined : true),
      120,
    );
    await eventually("its replication", () => this.namespace.allStreaming("postgres-1"), 120);
    await this.collect("of the new replica");
  }

  /** Remembers all secret values that there are now. */
  private async collect(when: string): Promise<void> {
    interface Secret {
      metadata: { name: string };
      data?: Record<string, string>;
    }
    const { items } = await this.namespace.json<{ items: Secret[] }>("get", "secrets");
    for (const { metadata, data } of items) {
      for (const [key, encoded] of Object.entries(data ?? {})) {
        this.addValue(`${key} of Secret ${metadata.name} ${when}`, Buffer.from(encoded, "base64").toString());
      }
    }
    const { stack, paths } = await this.workspace();
    const { passwords }: Record<string, { value: Record<string, string> }> = await stack.outputs();
    for (const [role, password] of Object.entries(passwords?.value ?? {})) {
      this.values.add(`password of ${role} ${when}`, password);
    }
    this.password = passwords?.value.appuser ?? "";
    this.values.add("passphrase", readFileSync(paths.passphrase, "utf8").trim());
    for (const { metadata } of await this.namespace.pods()) {
      const key = await this.namespace.kubectl("exec", metadata.name, "--", "cat", keyFile);
      this.values.addKey(`server's key of ${metadata.name} ${when}`, key);
    }
  }

  private addValue(name: string, value: string): void {
    if (value.includes("PRIVATE KEY-----")) this.values.addKey(name, value);
    else if (!value.includes("CERTIFICATE-----")) this.values.add(name, value);
  }

  /** State, history, logs, settings and temporary files of the stack, and of the app's: where a value is in them. */
  inState(): Promise<string[]> {
    const { folder, file } = this.line;
    return this.values.inFiles(folder, file, this.temporary, ...(this.app ? [this.app.folder] : []));
  }

  /** Where a value is on the volumes, those of lost claims among them. */
  async onVolumes(): Promise<string[]> {
    return this.values.inFiles(...(await this.volumes()));
  }

  /** The manifests that `npm run render` wrote. */
  manifests(): string {
    return this.rendered;
  }

  /** The folders of this machine that the volumes are. */
  async volumes(): Promise<string[]> {
    const all = await listVolumes(`${this.line.stack}-postgres-local-storage`);
    return all.map(({ name }) => join(nodePaths().volumes, name));
  }

  /** Removes everything that there is. */
  async remove(): Promise<void> {
    this.sampling.stop();
    await this.app?.remove();
    await this.line.remove();
    rmSync(this.temporary, { recursive: true });
  }
}
