import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../progress";
import { home } from "../tools/home";
import { LocalError } from "../tools/run";
import { endContainers, endShims, removeControlGroups, removeTraces } from "./containers";
import { withNodeLock } from "./lock";
import { unmountBelow } from "./mounts";
import { removeNetwork, savedNetwork } from "./network";
import { runningPid, stopServer } from "./processes";
import { apiServerGraceMs } from "./servers";
import { paths, runFolder } from "./settings";

export interface StopOptions {
  /** Also removes the node's whole state: all objects, all volumes with their data, images, certificates. Default false. */
  deleteData?: boolean;
}

/** PostgreSQL's fast shutdown with its last checkpoint takes seconds; what takes longer recovers from its log. */
const containerGraceMs = 30_000;

/**
 * Stops the node and takes back what it made in the machine: processes, containers, mounts, network, control groups.
 * State stays: the next start finds the same objects and the same data. Safe to repeat, also after a crash.
 */
export async function stopNode(progress: Progress, options: StopOptions = {}): Promise<void> {
  const at = paths();
  const owner = join(runFolder, "home");
  if (existsSync(owner) && readFileSync(owner, "utf8") !== home()) {
    throw new LocalError(
      `The node that runs here belongs to another folder: ${readFileSync(owner, "utf8")}.\n` +
        "Stop it with KUBERNETES_POSTGRES_HOME set to that folder.",
    );
  }
  await withNodeLock(async () => {
    await progress.step("stop the Kubernetes node", async (note) => {
      // First all that would start containers again, then the containers, then what they need.
      note("kubelet and controllers");
      const first = ["kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
      await Promise.all(first.map((name) => stopServer(name)));
      note("containers");
      if (runningPid("containerd") !== undefined) await endContainers(containerGraceMs);
      note("API server");
      await Promise.all([
        stopServer("kube-apiserver", apiServerGraceMs),
        stopServer("coredns", 2_000),
        stopServer("network-policies", 2_000),
        stopServer("containerd"),
      ]);
      await Promise.all([endShims(), stopServer("etcd")]);
      note("mounts and network");
      const mounted = await unmountBelow([at.kubelet, runFolder, at.containerd]);
      await removeNetwork(savedNetwork(at));
      removeControlGroups();
      removeTraces();
      if (mounted.length > 0) {
        throw new LocalError(
          `These mounts of the stopped node could not be removed:\n  ${mounted.join("\n  ")}\n` +
            "Find who uses them with: fuser -vm MOUNT; end it, and stop again.",
        );
      }
      if (options.deleteData === true) {
        note("data");
        rmSync(at.base, { recursive: true, force: true });
      }
    });
    rmSync(runFolder, { recursive: true, force: true });
  });
}
