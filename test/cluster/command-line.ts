import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { releaseVolumes } from "../../local/node";
import { type OpenStack, openStack, resolveStack } from "../../local/pulumi/deploy";
import { Namespace } from "./kubernetes";
import { embeddedNode } from "./stack";

const root = join(__dirname, "..", "..");

/** What a finished command left on the terminal. */
export interface Finished {
  code: number | null;
  out: string;
  err: string;
  seconds: number;
}

/** A command that still runs. */
export interface Running {
  child: ChildProcess;
  finished: Promise<Finished>;
  /** Resolves when the output has these words. */
  says: (words: RegExp) => Promise<void>;
}

/** The commands of package.json on a stack of the test's own, with a state of its own, on the embedded node. */
export class CommandLine {
  private constructor(
    readonly stack: string,
    readonly namespace: Namespace,
    /** State, passphrase and plugins of the commands, and what they leave there. */
    readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** @param environment of the commands, beside the test's own. */
  static async create(
    title: string,
    settings: Record<string, unknown>,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<CommandLine> {
    const { tools, node } = await embeddedNode();
    const stack = `test-${title}-${randomBytes(3).toString("hex")}`;
    const namespace = new Namespace(stack, tools.kubectl, node.kubeconfig);
    const line = new CommandLine(stack, namespace, mkdtempSync(join(tmpdir(), "command-line-")), environment);
    line.write({ namespace: stack, resources: { requests: { cpu: "50m", memory: "128Mi" } }, ...settings });
    return line;
  }

  /** The stack's settings. */
  get file(): string {
    return join(root, `Pulumi.${this.stack}.yaml`);
  }

  /** The stack as the commands open it. */
  async open(): Promise<OpenStack> {
    const { pulumi, kubernetesProvider } = (await embeddedNode()).tools;
    const resolved = resolveStack({ stack: this.stack, cluster: "embedded" });
    return openStack(resolved, { pulumi, kubernetesProvider }, this.folder);
  }

  /** The stack's settings as its file has them. */
  text(): string {
    return readFileSync(this.file, "utf8");
  }

  write(settings: Record<string, unknown>): void {
    const config = Object.entries(settings).map(([key, value]) => [`kubernetes-postgres:${key}`, value]);
    writeFileSync(this.file, stringify({ config: Object.fromEntries(config) }));
  }

  /** Starts `npm run <command> -- <args>` for our stack, in a process group of its own. */
  start(command: string, ...args: string[]): Running {
    const begun = Date.now();
    const stack = command === "local:stop" ? [] : ["--stack", this.stack];
    const child = spawn("npm", ["run", "--silent", command, "--", ...stack, ...args], {
      cwd: root,
      detached: true,
      env: {
        ...process.env,
        KUBERNETES_POSTGRES_CLUSTER: "embedded",
        KUBERNETES_POSTGRES_PULUMI: this.folder,
        ...this.environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    const listeners: (() => void)[] = [];
    child.stdout.on("data", (chunk) => {
      out += chunk;
      for (const listener of listeners) listener();
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
      for (const listener of listeners) listener();
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, out, err, seconds: (Date.now() - begun) / 1000 }));
    });
    const says = (words: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (words.test(out + err)) resolve();
        };
        listeners.push(look);
        look();
        finished.then(() => reject(new Error(`the command ended without saying ${words}:\n${out}${err}`)), reject);
      });
    return { child, finished, says };
  }

  run(command: string, ...args: string[]): Promise<Finished> {
    return this.start(command, ...args).finished;
  }

  /** Removes everything the test made. */
  async remove(): Promise<void> {
    await this.run("down", "--volumes");
    await releaseVolumes(`${this.stack}-postgres-local-storage`);
    await this.namespace.remove({ wait: false });
    rmSync(this.file, { force: true });
    rmSync(this.folder, { recursive: true });
  }
}
