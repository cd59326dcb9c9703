import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run, until } from "../tools/run";
import { findProcesses, processStartTime } from "./processes";
import { containerdSocket } from "./settings";

const ctr = ["--address", containerdSocket, "--namespace", "k8s.io"];

interface Task {
  id: string;
  pid: number;
}

/** Containers that run in this node's containerd, pauses included. */
export async function runningTasks(): Promise<Task[]> {
  const listed = await run("ctr", [...ctr, "tasks", "list"], { timeoutMs: 10_000 });
  return parseTasks(listed.stdout);
}

/** Running tasks from the table that `ctr tasks list` prints: id, pid, status. */
export function parseTasks(table: string): Task[] {
  return table.split("\n").flatMap((line) => {
    const [id = "", pid = "", status] = line.trim().split(/\s+/);
    return status === "RUNNING" ? [{ id, pid: Number(pid) }] : [];
  });
}

/**
 * Ends all containers: a SIGTERM, so that PostgreSQL shuts down in order, and SIGKILL to what is left after `graceMs`.
 * To be called when nothing is there any more that would start them again.
 */
export async function endContainers(graceMs: number): Promise<void> {
  const tasks = await runningTasks();
  const signal = (name: NodeJS.Signals): void => {
    for (const { pid } of tasks.filter(isAlive)) {
      try {
        process.kill(pid, name);
      } catch {
        // It has just ended.
      }
    }
  };
  signal("SIGTERM");
  if (!(await until(() => !tasks.some(isAlive), graceMs, 50))) signal("SIGKILL");
  await until(() => !tasks.some(isAlive), 5_000, 50);
  for (const { id } of tasks) await run("ctr", [...ctr, "tasks", "delete", "--force", id], { timeoutMs: 10_000 });
}

const isAlive = (task: Task): boolean => task.pid > 1 && processStartTime(task.pid) !== undefined;

/** Ends the shims of this node's containerd that are still there; those of others have another address. */
export async function endShims(): Promise<void> {
  const shims = findProcesses(
    (args) => (args[0] ?? "").includes("containerd-shim") && args[args.indexOf("-address") + 1] === containerdSocket,
  );
  for (const pid of shims) process.kill(pid, "SIGKILL");
  await until(() => shims.every((pid) => processStartTime(pid) === undefined), 5_000, 20);
}

/** Removes the control groups that kubelet made, which are empty once its pods are gone; all kubelets use the same. */
export function removeControlGroups(): void {
  if (findProcesses(([command = ""]) => command === "kubelet" || command.endsWith("/kubelet")).length > 0) return;
  const root = "/sys/fs/cgroup";
  for (const name of ["", ...readdirSync(root)]) removeEmptyFolders(join(root, name, "kubepods"));
}

function removeEmptyFolders(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // Not there, or in use by a kubelet that is not ours.
  }
}

/**
 * What containerd and CNI keep outside the folders they are given: CNI's memory of attachments, whose network
 * namespaces are gone, and containerd's folders of sockets. Those of other programs stay.
 */
export function removeTraces(): void {
  const cache = "/var/lib/cni/results";
  const mine = "kubernetes-postgres-";
  const sandboxes = entries(cache).flatMap((name) => (name.startsWith(mine) ? name.split("-").at(-2) : []));
  for (const name of entries(cache)) {
    if (sandboxes.some((id) => id !== undefined && name.includes(id))) rmSync(join(cache, name), { force: true });
  }
  const shared = ["/run/containerd/runc/k8s.io", "/run/containerd/runc", "/run/containerd/s", "/run/containerd"];
  for (const folder of [...shared, cache, "/var/lib/cni"]) removeIfEmpty(folder);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or others have something in it.
  }
}
