import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RequestCounter } from "../../bench/requests";
import {
  ensureImage,
  ensureVolumes,
  type LocalNode,
  listVolumes,
  postgresImage,
  releaseVolumes,
  startNode,
} from "../../local/node";
import { paths } from "../../local/node/settings";
import { Progress } from "../../local/progress";
import { type Deployment, deploy, destroy, openStack, type Preview, previewStack } from "../../local/pulumi/deploy";
import { EngineError } from "../../local/pulumi/engine-command";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import type { Workspace } from "../../local/pulumi/workspace";
import { ensureTools, type Tools } from "../../local/tools/tools";
import type { StackOutputs } from "../../stacks/outputs";
import { Namespace } from "./kubernetes";

type Changed = Omit<Deployment, "outputs">;

interface Platform {
  tools: Tools;
  node: LocalNode;
}

let platform: Promise<Platform> | undefined;

/** The embedded node, built and started when the first test needs it; it stays for the tests that follow. */
export function embeddedNode(): Promise<Platform> {
  platform ??= (async () => {
    const progress = new Progress();
    const tools = await ensureTools(progress);
    const node = await startNode(progress);
    await ensureImage(progress);
    return { tools, node };
  })();
  return platform;
}

/** What `pulumi preview --json` prints. */
export async function plainPlan({ stack, engine }: Workspace): Promise<string> {
  const run = engine.run.bind(engine);
  engine.run = (args, ...more) => run(args[0] === "preview" ? [...args, "--json"] : args, ...more);
  return (await stack.preview()).stdout;
}

/** A real stack on the embedded node, with a namespace, a Pulumi home and a state of its own. */
export class TestStack {
  private deployed: StackOutputs | undefined;
  /** What runs now, or ran last; of a test that timed out, too. */
  private running: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly name: string,
    readonly namespace: Namespace,
    readonly dns: string,
    private readonly home: string,
    private readonly platform: Platform,
    private readonly settings: Record<string, ConfigValue>,
  ) {}

  /** @param settings by their short names; they hold for every `up` that does not say otherwise. */
  static async create(title: string, settings: Record<string, ConfigValue> = {}): Promise<TestStack> {
    const platform = await embeddedNode();
    const name = `${title}-${randomBytes(3).toString("hex")}`;
    const namespace = new Namespace(name, platform.tools.kubectl, platform.node.kubeconfig);
    const home = mkdtempSync(join(tmpdir(), "test-stack-"));
    copyFileSync(platform.node.kubeconfig, join(home, "kubeconfig"));
    // Small requests, so that the tests' pods fit beside a cluster somebody works with on the same node.
    const own = { namespace: name, image: postgresImage, resources: { requests: { cpu: "50m", memory: "128Mi" } } };
    return new TestStack(name, namespace, platform.node.dns, home, platform, { ...own, ...settings });
  }

  /** The outputs of the last `up`. */
  get outputs(): StackOutputs {
    if (this.deployed === undefined) throw new Error(`stack ${this.name} is not up`);
    return this.deployed;
  }

  /** The app's password, as the outputs have it. */
  password(): string {
    return decodeURIComponent(new URL(this.outputs.connectionUri).password);
  }

  private async open(settings: Record<string, ConfigValue>) {
    const { tools } = this.platform;
    const kubeconfig = join(this.home, "kubeconfig");
    const kubectl = { path: tools.kubectl, args: ["--kubeconfig", kubeconfig] };
    return openStack(
      {
        stack: this.name,
        // As a cluster of the user's own, on which no setting is overridden.
        cluster: "current",
        environment: { KUBECONFIG: kubeconfig },
        file: { config: { "kubernetes:kubeconfig": kubeconfig }, encryptionsalt: undefined },
        settings: { ...this.settings, ...settings },
      },
      { ...tools, kubectl },
      this.home,
    );
  }

  /** Where the stack's state, its passphrase and the plugins are, for stacks of other projects beside it. */
  async workspace(): Promise<Workspace> {
    return (await this.open({})).workspace;
  }

  /** Deploys with further settings. @throws what `npm run up` would show. */
  async up(settings: Record<string, ConfigValue> = {}, { volumes }: { volumes?: number } = {}): Promise<Changed> {
    await this.provideVolumes(settings, volumes);
    const open = await this.open(settings);
    const { outputs, ...changed } = await this.follow(deploy(open));
    this.deployed = outputs;
    return changed;
  }

  /** What Pulumi's own CLI does, which knows nothing of what the commands refuse. @throws with all that it prints. */
  async plain(operation: "preview" | "up", settings: Record<string, ConfigValue>): Promise<void> {
    const { stack } = (await this.open(settings)).workspace;
    await this.follow<unknown>(stack[operation]()).catch((error: unknown) => {
      throw error instanceof EngineError ? new Error(error.stdout + error.stderr) : error;
    });
  }

  /** What Pulumi's own CLI asks the API server for, request by request. */
  async requestsOf(operation: "preview" | "up"): Promise<string[]> {
    const { kubeconfig } = this.platform.node;
    const own = join(this.home, "kubeconfig");
    // Opened before: with another API server it would be another stack.
    const { stack } = await this.workspace();
    const counter = await RequestCounter.start(kubeconfig, own);
    try {
      await this.follow<unknown>(stack[operation]({ expectNoChanges: true }));
      return counter.take().lines;
    } finally {
      counter.stop();
      copyFileSync(kubeconfig, own);
    }
  }

  /** What `pulumi preview --json` prints. */
  async plainPlan(settings: Record<string, ConfigValue>): Promise<string> {
    return plainPlan((await this.open(settings)).workspace);
  }

  private follow<T>(run: Promise<T>): Promise<T> {
    this.running = run.catch(() => undefined);
    return run;
  }

  /** Local volumes stand for a driver: one for each pod, unless `count` says otherwise. */
  async provideVolumes(settings: Record<string, ConfigValue> = {}, count?: number): Promise<void> {
    const { storageClassName, storageSize, replicas } = (await this.open(settings)).resolved.spec;
    await ensureVolumes({ storageClassName, size: storageSize, count: count ?? replicas });
  }

  /** The folders of this machine that the stack's volumes are. */
  async volumeFolders(): Promise<string[]> {
    const { storageClassName } = (await this.open({})).resolved.spec;
    return (await listVolumes(storageClassName)).map(({ name }) => join(paths().volumes, name));
  }

  async preview(settings: Record<string, ConfigValue> = {}): Promise<Preview> {
    return previewStack(await this.open(settings));
  }

  /** Removes the stack; the volumes stay. */
  async down(): Promise<void> {
    await this.running;
    await destroy(await this.open({}));
  }

  /** Removes the stack with everything it left: claims, volumes, namespace and state. */
  async remove(): Promise<void> {
    // A stack that stays because its test timed out would make the tests after it late, too.
    await this.running;
    const open = await this.open({});
    await destroy(open);
    await this.namespace.remove({ wait: false });
    await releaseVolumes(open.resolved.spec.storageClassName);
    rmSync(this.home, { recursive: true });
  }
}
