import { ensureVolumes } from "../../local/node";
import { projectFolder } from "../../local/pulumi/paths";
import { resolveStack } from "../../local/pulumi/resolve-stack";
import type { ConfigValue, StackConfig } from "../../local/pulumi/stack-file";
import { Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import type { Project, Pulumi } from "../pulumi";
import { takeDown } from "./removal";

/** What the program consists of. */
export const ownFiles = [
  "index.ts",
  "start.cjs",
  "components",
  "stacks",
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
];

/** Prod by this program and Pulumi's own CLI, with all that it adds: TLS, policies, probes, replicas that stream. */
export class OwnRollout {
  private constructor(
    private readonly project: Project,
    readonly namespace: Namespace,
    private readonly kubeconfig: string,
    private readonly fixed: Record<string, ConfigValue>,
  ) {}

  static async create(pulumi: Pulumi, name: string, fixed: Record<string, ConfigValue>): Promise<OwnRollout> {
    const { tools, node } = await embeddedNode();
    const project = await pulumi.project(name, {}, projectFolder, ownFiles);
    const namespace = new Namespace(`bench-${name}`, tools.kubectl, node.kubeconfig);
    return new OwnRollout(project, namespace, node.kubeconfig, fixed);
  }

  private resolve(settings: Record<string, ConfigValue>) {
    const all = { namespace: this.namespace.name, ...this.fixed, ...settings };
    const { config, spec } = resolveStack({ stack: "prod", cluster: "embedded", settings: all });
    const complete: StackConfig = { ...config, "kubernetes:kubeconfig": this.kubeconfig };
    return { config: complete, spec };
  }

  /** Volumes for so many pods. */
  async prepare(settings: Record<string, ConfigValue> = {}): Promise<void> {
    const { storageClassName, storageSize: size, replicas } = this.resolve(settings).spec;
    await ensureVolumes({ storageClassName, size, count: replicas });
  }

  /** Resolves when all pods are Ready and of the newest revision, and all replicas stream. */
  async up(settings: Record<string, ConfigValue> = {}): Promise<void> {
    const { config, spec } = this.resolve(settings);
    this.project.configure(config);
    await this.project.up();
    await this.namespace.rolledOut();
    const replicas = Array.from({ length: spec.replicas - 1 }, (_, index) => `postgres-${index + 1}`);
    await this.namespace.allStreaming(...replicas);
  }

  /** Removes all of it, data included. */
  remove(): Promise<void> {
    return takeDown(this.project, this.namespace, this.resolve({}).spec.storageClassName);
  }
}
