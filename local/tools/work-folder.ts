import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Makes a folder completely or not at all: `work` fills a temporary one beside it, which is renamed at the end. What a
 * killed process left behind of its own attempt is removed. Two processes may do the same at once; the first wins.
 */
export async function makeFolder(folder: string, work: (temporary: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  removeLeftovers(folder);
  const temporary = `${folder}.${process.pid}`;
  const result = join(temporary, "result");
  mkdirSync(result, { recursive: true });
  try {
    await work(result);
    if (!existsSync(folder)) renameSync(result, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function removeLeftovers(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(`${basename(folder)}.`) ? name.slice(basename(folder).length + 1) : "";
    const abandoned = /^\d+$/.test(pid) && (pid === String(process.pid) || !existsSync(`/proc/${pid}`));
    if (abandoned) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
