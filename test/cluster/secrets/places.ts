import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Namespace } from "../kubernetes";
import type { Text } from "./values";

interface Listed {
  kind: string;
  metadata: { name: string };
}

/** All objects of a namespace but Secrets, and those that belong to none, events among them. */
export async function objects(namespace: Namespace): Promise<Text[]> {
  const lists = await Promise.all(
    [true, false].map(async (namespaced) => {
      const names = await namespace.kubectl(
        "api-resources",
        "--verbs=list",
        `--namespaced=${namespaced}`,
        "-o",
        "name",
      );
      const kinds = names.split("\n").filter((kind) => kind !== "" && kind !== "secrets");
      return namespace.json<{ items: Listed[] }>("get", kinds.join(), "--show-managed-fields");
    }),
  );
  return lists
    .flatMap(({ items }) => items)
    .map((item) => [`${item.kind} ${item.metadata.name}`, JSON.stringify(item)]);
}

/** What people ask for first when something is wrong. */
export async function descriptions(namespace: Namespace): Promise<Text[]> {
  const kinds = ["pods", "statefulsets", "secrets", "configmaps", "events"];
  return Promise.all(
    kinds.map(async (kind): Promise<Text> => [`describe ${kind}`, await namespace.kubectl("describe", kind)]),
  );
}

async function podNames(namespace: Namespace): Promise<string[]> {
  const { items } = await namespace.json<{ items: Listed[] }>("get", "pods");
  return items.map(({ metadata }) => metadata.name);
}

/** What the containers of all pods have printed, the ones before as well. */
export async function logs(namespace: Namespace): Promise<Text[]> {
  const logOf = async (pod: string, ...options: string[]): Promise<Text> => [
    ["log of", pod, ...options].join(" "),
    await namespace.kubectl("logs", pod, "--all-containers", ...options),
  ];
  const previous = (pod: string): Promise<Text[]> =>
    logOf(pod, "--previous").then(
      (log) => [log],
      (error: Error) => {
        if (/previous terminated container .* not found/.test(error.message)) return [];
        throw error;
      },
    );
  const all = (await podNames(namespace)).map(async (pod) => [await logOf(pod), ...(await previous(pod))]);
  return (await Promise.all(all)).flat();
}

/** Where kubelet keeps the logs of a namespace's pods, those of deleted ones for a while. */
export function logFolders(namespace: Namespace): string[] {
  const root = "/var/log/pods";
  return readdirSync(root)
    .filter((folder) => folder.startsWith(`${namespace.name}_`))
    .map((folder) => join(root, folder));
}

/** A file in a pod with a value in it. */
export interface FileInPod {
  path: string;
  /** Octal. */
  mode: string;
  /** Type of the file system that it is on. */
  fileSystem: string;
}

/** Files with values in them, wherever a pod can write but its volume, or has something mounted. */
export async function filesInPod(namespace: Namespace, pod: string, needles: string[]): Promise<FileInPod[]> {
  const script = `grep -rlaF -D skip -f - /etc/postgres /run /tmp /dev/shm /dev/termination-log | while read -r file; do
    printf '%s %s %s\\n' "$(stat -c %a "$file")" "$(stat -f -c %T "$file")" "$file"
  done`;
  const out = await namespace.pipe(`${needles.join("\n")}\n`, "exec", "-i", pod, "--", "bash", "-c", script);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [mode = "", fileSystem = "", path = ""] = line.split(" ");
      return { path, mode, fileSystem };
    });
}

/** Those of them that are not in memory, or that others than the server's user and group can read. */
export function openFiles(files: readonly FileInPod[]): FileInPod[] {
  return files.filter(({ fileSystem, mode }) => fileSystem !== "tmpfs" || !["400", "440", "600"].includes(mode));
}
