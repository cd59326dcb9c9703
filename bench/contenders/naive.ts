import { join } from "node:path";
import { ensureVolumes, postgresImage } from "../../local/node";
import { localClass, Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import type { Project, Pulumi } from "../pulumi";
import { takeDown } from "./removal";

/** The StatefulSet that everybody writes first: three pods that know nothing of each other. */
export class NaiveRollout {
  private constructor(
    private readonly project: Project,
    readonly namespace: Namespace,
    private readonly kubeconfig: string,
    private readonly resources: object,
  ) {}

  static async create(pulumi: Pulumi, name: string, resources: object): Promise<NaiveRollout> {
    const { tools, node } = await embeddedNode();
    const project = await pulumi.project(name, {}, join(__dirname, "..", "programs", "naive"));
    const namespace = new Namespace(`bench-${name}`, tools.kubectl, node.kubeconfig);
    return new NaiveRollout(project, namespace, node.kubeconfig, resources);
  }

  /** Volumes for so many pods, and their class. */
  async prepare({ replicas = 3 }: { replicas?: number } = {}): Promise<void> {
    const { name } = this.namespace;
    await ensureVolumes({ storageClassName: name, size: "10Gi", count: replicas });
    await this.namespace.apply(localClass(name));
  }

  /** Resolves when all pods are Ready, and of the newest revision. */
  async up({ replicas = 3, revision = "1" }: { replicas?: number; revision?: string } = {}): Promise<void> {
    const { name } = this.namespace;
    this.project.configure({
      "kubernetes:kubeconfig": this.kubeconfig,
      "bench:namespace": name,
      "bench:storageClassName": name,
      "bench:image": postgresImage,
      "bench:replicas": String(replicas),
      "bench:revision": revision,
      "bench:resources": JSON.stringify(this.resources),
    });
    await this.project.up();
    await this.namespace.rolledOut();
  }

  /** Removes all of it, data included. */
  remove(): Promise<void> {
    return takeDown(this.project, this.namespace, this.namespace.name);
  }
}
