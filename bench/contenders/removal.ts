import { releaseVolumes } from "../../local/node";
import type { Namespace } from "../../test/cluster/kubernetes";
import type { Project } from "../pulumi";

/** Takes down what a project made, with its namespace, its class and its volumes, data included; the stack stays. */
export async function takeDown(project: Project, namespace: Namespace, storageClassName: string): Promise<void> {
  // At once: both wait for the same pods.
  await Promise.all([project.down(), namespace.remove()]);
  await namespace.kubectl("delete", "storageclass", storageClassName, "--ignore-not-found");
  await releaseVolumes(storageClassName);
}
