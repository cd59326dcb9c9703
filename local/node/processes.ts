import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseJson, textAt } from "../tools/json";
import { until } from "../tools/run";
import { runFolder } from "./settings";

/** A server of the node: runs detached, writes to a log, is found again by its pid file. */
export interface Server {
  name: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
  /** Milliseconds it gets to end by itself. Default 10,000. */
  graceMs?: number;
  /** Files it reads only when it starts; a change of one makes it start anew. */
  configFiles?: readonly string[];
}

interface PidFile {
  pid: number;
  /** Start time in clock ticks since boot; together with the pid it names one process for good. */
  startTime: string;
  /** Of command, arguments and configuration. */
  fingerprint: string;
}

const pidFolder = join(runFolder, "pids");
const pidFile = (name: string): string => join(pidFolder, `${name}.json`);

/** A log is put aside (one old one is kept) when a server starts and it is larger than this. 16 MiB. */
const maxLogBytes = 16 * 1024 * 1024;

/** Start time of a process that runs; undefined for none or a zombie. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command in parentheses may hold spaces; what follows the last ")" is: state, ppid, ..., start time as the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function recorded(name: string): PidFile | undefined {
  try {
    const value = parseJson(readFileSync(pidFile(name), "utf8"));
    const startTime = textAt(value, "startTime");
    const fingerprint = textAt(value, "fingerprint");
    const pid = Number(textAt(value, "pid"));
    return startTime !== undefined && fingerprint !== undefined && pid > 1
      ? { pid, startTime, fingerprint }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The pid of a server that runs, undefined when it does not. A recycled pid is not taken for it. */
export function runningPid(name: string): number | undefined {
  const file = recorded(name);
  return file !== undefined && processStartTime(file.pid) === file.startTime ? file.pid : undefined;
}

function fingerprint(server: Server): string {
  const hash = createHash("sha256").update(JSON.stringify([server.command, server.args, server.env]));
  for (const file of server.configFiles ?? []) hash.update(readFileSync(file));
  return hash.digest("hex");
}

/** Whether it runs with exactly this command, these arguments and this configuration. */
export const runsAsWanted = (server: Server): boolean =>
  runningPid(server.name) !== undefined && recorded(server.name)?.fingerprint === fingerprint(server);

/** Starts a server unless it runs as wanted; one that runs otherwise is stopped first. Returns whether it was started. */
export async function startServer(server: Server, logFolder: string): Promise<boolean> {
  if (runsAsWanted(server)) return false;
  await stopServer(server.name, server.graceMs);
  mkdirSync(pidFolder, { recursive: true });
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${server.name}.log`);
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(logFile, `${logFile}.old`);
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(server.command, [...server.args], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", ...server.env },
  });
  closeSync(log);
  child.on("error", () => undefined);
  child.unref();
  const { pid } = child;
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid !== undefined && startTime !== undefined) {
    const content = { pid: String(pid), startTime, fingerprint: fingerprint(server) };
    writeFileSync(pidFile(server.name), JSON.stringify(content));
  }
  return true;
}

/** Ends a server: SIGTERM, and SIGKILL when it has not ended after `graceMs`. */
export async function stopServer(name: string, graceMs = 10_000): Promise<void> {
  const pid = runningPid(name);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    const ended = (): boolean => runningPid(name) === undefined;
    if (!(await until(ended, graceMs, 20))) {
      process.kill(pid, "SIGKILL");
      await until(ended, 5_000, 20);
    }
  }
  rmSync(pidFile(name), { force: true });
}

/** The last lines of a server's log, for an error message. */
export function lastLogLines(logFolder: string, name: string, count = 5): string {
  try {
    return readFileSync(join(logFolder, `${name}.log`), "utf8")
      .trimEnd()
      .split("\n")
      .slice(-count)
      .join("\n  ");
  } catch {
    return "(no log)";
  }
}

/** All processes whose command line satisfies a test; used to find containerd's shims, which have no pid file. */
export function findProcesses(test: (args: string[]) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return test(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
      } catch {
        return false;
      }
    });
}
