import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { LocalWorkspace, type PulumiFn, Stack } from "@pulumi/pulumi/automation";
import { postgresImage } from "../../local/node";
import { EngineError } from "../../local/pulumi/engine-command";
import { Namespace } from "./kubernetes";
import { embeddedNode, type TestStack } from "./stack";

const root = join(__dirname, "..", "..");
const load = createRequire(__filename);

/** examples/app, evaluated anew each time: its resources are created while it is loaded. */
const program: PulumiFn = async () => {
  const entry = join(root, "examples", "app", "index.ts");
  for (const file of Object.keys(load.cache)) {
    if (file === entry || file.startsWith(join(root, "stacks") + sep)) delete load.cache[file];
  }
  const exported: object = load(entry);
  return { ...exported };
};

/** What the app answers to a reader. */
export interface Notes {
  fromReplica: boolean;
  notes: { id: string; text: string }[];
}

/** The example app, in a project, a stack and a namespace of its own, beside a cluster's stack in the same backend. */
export class AppStack {
  private address: string | undefined;

  private constructor(
    readonly name: string,
    readonly namespace: Namespace,
    private readonly stack: Stack,
    /** Its project and settings. */
    readonly folder: string,
  ) {}

  /** Nothing is deployed yet. */
  static async create(cluster: Pick<TestStack, "name" | "workspace">): Promise<AppStack> {
    const { tools, node } = await embeddedNode();
    const { engine, stack } = await cluster.workspace();
    const name = `${cluster.name}-app`;
    const folder = mkdtempSync(join(tmpdir(), "app-stack-"));
    const { pulumiHome, envVars } = stack.workspace;
    const workspace = await LocalWorkspace.create({
      workDir: folder,
      pulumiCommand: engine,
      program,
      projectSettings: { name: "notes", runtime: "nodejs" },
      envVars,
      ...(pulumiHome !== undefined && { pulumiHome }),
    });
    const app = await Stack.create(name, workspace);
    await app.setAllConfig({
      databaseStack: { value: `organization/kubernetes-postgres/${cluster.name}` },
      image: { value: postgresImage },
      namespace: { value: name },
      "kubernetes:kubeconfig": { value: node.kubeconfig },
    });
    return new AppStack(name, new Namespace(name, tools.kubectl, node.kubeconfig), app, folder);
  }

  async up(): Promise<void> {
    await this.stack.up();
  }

  /** What the backend stores of the stack, as text. */
  async state(): Promise<string> {
    return JSON.stringify(await this.stack.exportStack());
  }

  /** @throws Error with all that the engine prints. */
  async previewWith(databaseStack: string): Promise<void> {
    const asked = await this.stack.getAllConfig();
    await this.stack.setAllConfig({ databaseStack: { value: databaseStack } });
    try {
      await this.stack.preview();
    } catch (error) {
      throw error instanceof EngineError ? new Error(error.stdout + error.stderr) : error;
    } finally {
      await this.stack.setAllConfig(asked);
    }
  }

  /** The pod and its restarts. */
  async pod(): Promise<{ name: string; restarts: number | undefined }> {
    const { items } = await this.namespace.json<{
      items: { metadata: { name: string }; status: { containerStatuses?: { restartCount: number }[] } }[];
    }>("get", "pods");
    const [pod, ...more] = items;
    if (pod === undefined || more.length > 0) throw new Error(`there are ${items.length} pods, not one`);
    return { name: pod.metadata.name, restarts: pod.status.containerStatuses?.[0]?.restartCount };
  }

  /** What the app's pod has in its password file. */
  async password(): Promise<string> {
    return this.namespace.kubectl("exec", (await this.pod()).name, "--", "cat", "/etc/database/password");
  }

  /** The status of the answer; undefined where there was none within some seconds. */
  async post(note: { id: string; text: string }): Promise<number | undefined> {
    return (await this.fetch("/notes", { method: "POST", body: JSON.stringify(note) }))?.status;
  }

  async read(): Promise<Notes | undefined> {
    const answer = await this.fetch("/notes");
    if (answer?.status !== 200) return undefined;
    const notes: Notes = JSON.parse(await answer.text());
    return notes;
  }

  private async fetch(path: string, init: RequestInit = {}): Promise<Response | undefined> {
    this.address ??= await this.serviceAddress();
    return fetch(`http://${this.address}${path}`, { ...init, signal: AbortSignal.timeout(20_000) }).catch(
      () => undefined,
    );
  }

  private async serviceAddress(): Promise<string> {
    const { items } = await this.namespace.json<{ items: { spec: { clusterIP: string } }[] }>("get", "services");
    const [service] = items;
    if (service === undefined) throw new Error("the app has no Service");
    return service.spec.clusterIP;
  }

  /** Removes the stack with everything that it made. */
  async remove(): Promise<void> {
    await this.stack.destroy();
    rmSync(this.folder, { recursive: true });
  }
}
