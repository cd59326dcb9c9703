import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, chown, mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// What the harness needs of the operating system: programs, processes seen from outside their namespace, and mounts.

/** What a finished program said. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, however it ends. */
export function runProgram(file: string, args: string[], env: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { env: { PATH: process.env.PATH, ...env }, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 128;
      resolve({ code, stdout: stdout.trim(), stderr: stderr.trim() });
    });
  });
}

/**
 * Waits until `condition` gives something true; fails with `what` after `seconds`.
 * @param everyMs most conditions start a program: asked more often, they keep the cores busy that they wait for.
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 30,
  everyMs = 100,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await sleep(everyMs);
  }
}

/** The process ids of a process's children. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The kernel's summary of a process, empty when there is none. */
export function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process has a handler for SIGTERM, signal 15. */
export function catchesTermination(pid: number): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(statusOf(pid))?.[1];
  return caught !== undefined && ((BigInt(`0x${caught}`) >> 14n) & 1n) === 1n;
}

/** The id that a process has inside its own namespace. */
export function namespacePid(pid: number): number {
  return Number(/^NSpid:.*\s(\d+)$/m.exec(statusOf(pid))?.[1]);
}

/** A process's arguments, its own name first. */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** The name of a process's program, empty when there is none. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

/** Replaces a mounted ConfigMap's or Secret's files the way the kubelet does: a new directory, then one symbolic link. */
export async function project(
  directory: string,
  files: Record<string, string | Buffer>,
  gid: number,
  mode: number,
): Promise<void> {
  const version = `..${Date.now()}-${Math.random().toString(36).slice(2)}`;
  await mkdir(join(directory, version), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, version, name);
    await writeFile(file, text);
    await chown(file, 0, gid);
    await chmod(file, mode);
    await symlink(join("..data", name), join(directory, name)).catch(() => undefined);
  }
  const old = await readlink(join(directory, "..data")).catch(() => undefined);
  await symlink(version, join(directory, "..data.new"));
  await rename(join(directory, "..data.new"), join(directory, "..data"));
  if (old !== undefined) await rm(join(directory, old), { recursive: true });
}
