import { releaseVolumes } from "../../local/node";
import type { Namespace } from "../../test/cluster/kubernetes";
import type { Project } from "../pulumi";

/** Takes down what a project made, with its class, its volumes and, soon, its namespace, data included; the stack stays. */
export async function takeDown(project: Project, namespace: Namespace, storageClassName: string): Promise<void> {
  await project.down();
  // Its end is waited for before the name is used again, by whoever does.
  await namespace.remove({ wait: false });
  await namespace.kubectl("delete", "storageclass", storageClassName, "--ignore-not-found");
  await releaseVolumes(storageClassName);
}
