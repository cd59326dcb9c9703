import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { containerProcesses, podProcesses, postmasterOf } from "../faults/processes";
import { eventually, type Namespace } from "../kubernetes";

/** What Linux may write of the memory of a pod's supervisor, its server and all they started: soft and hard limit. */
export function coreLimits(uid: string): string[] {
  const processes = containerProcesses(uid);
  const supervisor = processes.find(({ inside }) => inside === 1);
  // Probes and what is run by kubectl exec start beside it.
  const family = new Set([supervisor?.pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  return processes
    .filter(({ pid }) => family.has(pid))
    .map(({ pid, program }) => {
      const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
      return `${program}: ${/^Max core file size +(\S+) +(\S+)/m.exec(limits)?.slice(1).join(" ")}`;
    });
}

/** Files that look like a dump of memory, in folders of this machine and wherever a pod can write. */
export async function dumps(namespace: Namespace, pod: string, folders: string[]): Promise<string[]> {
  const isDump = (path: string): boolean => /^core([._-].*)?$/.test(basename(path));
  const found = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  );
  const places = ["/tmp", "/run", "/dev/shm"];
  const inside = await namespace.kubectl("exec", pod, "--", "find", ...places, "-type", "f", "-name", "core*");
  return [...found, ...inside.split("\n")].filter(isDump);
}

const says = (namespace: Namespace, pod: string, words: string): Promise<true> =>
  eventually(`"${words}" in the log of ${pod}`, async () =>
    (await namespace.kubectl("logs", pod)).includes(words) ? true : undefined,
  );

/** Ends one session of a pod's server as a fault in its program would, and then the whole server. */
export async function crash(namespace: Namespace, pod: string): Promise<void> {
  const { uid } = (await namespace.pod(pod)).metadata;
  const session = namespace.superuser(pod, "select 'a session', pg_sleep(300)").then(
    () => undefined,
    (error: Error) => error,
  );
  const which = "select pid from pg_stat_activity where query ~ '^select .a session' and state = 'active'";
  const inside = await eventually(
    "the session",
    async () => Number(await namespace.superuser(pod, which)) || undefined,
  );
  const backend = podProcesses(uid).find((process) => process.program === "postgres" && process.inside === inside);
  if (backend === undefined) throw new Error(`process ${inside} of ${pod} is not to be seen from here`);
  process.kill(backend.pid, "SIGSEGV");
  if ((await session) === undefined) throw new Error("the session has ended in order");
  await says(namespace, pod, "was terminated by signal 11");
  await eventually("the server after its session crashed", () => namespace.superuser(pod, "select 1"));
  process.kill(postmasterOf(uid), "SIGSEGV");
  await says(namespace, pod, "the server was ended by signal SEGV; starting it again");
  await eventually("the server after its own crash", () => namespace.superuser(pod, "select 1"));
}

/** Ends process 1, which no fault of a program does: Kubernetes starts the container again, and keeps its log. */
export async function restartContainer(namespace: Namespace, pod: string): Promise<void> {
  const { uid } = (await namespace.pod(pod)).metadata;
  const supervisor = containerProcesses(uid).find(({ inside }) => inside === 1);
  if (supervisor === undefined) throw new Error(`no process 1 of ${pod} is to be seen from here`);
  process.kill(supervisor.pid, "SIGKILL");
  await eventually("the log of the container before", async () => {
    const log = await namespace.kubectl("logs", pod, "--previous");
    return log.includes("ended by signal SEGV") ? true : undefined;
  });
  await eventually("the server in its new container", () => namespace.superuser(pod, "select 1"), 120);
}
