import { readdirSync, readFileSync, readlinkSync } from "node:fs";

interface Process {
  pid: number;
  parent: number;
  /** Its id inside its container. */
  inside: number;
  /** File name of its program. */
  program: string;
}

/** All processes of a pod as this machine sees them, the one that holds its namespaces included. */
export function podProcesses(uid: string): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(uid)) return [];
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
        const inside = Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]);
        const program = readlinkSync(`/proc/${pid}/exe`).split("/").at(-1) ?? "";
        return [{ pid: Number(pid), parent, inside, program }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

/** The processes of the pod's container: all but the one that holds the namespaces. */
export function containerProcesses(uid: string): Process[] {
  return podProcesses(uid).filter(({ program }) => program !== "pause");
}

/** The postmaster: the server whose parent is none. @throws Error when there is none. */
export function postmasterOf(uid: string): number {
  const servers = podProcesses(uid).filter(({ program }) => program === "postgres");
  const postmaster = servers.find(({ parent }) => !servers.some(({ pid }) => pid === parent));
  if (postmaster === undefined) throw new Error(`no postmaster of pod ${uid} runs here`);
  return postmaster.pid;
}

/** Sends a signal to processes, of which some may have ended. */
export function signal(processes: Process[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended meanwhile.
    }
  }
}
