import { readFileSync } from "node:fs";
import { run } from "../tools/run";

/** Mount points in or below a folder, the innermost first, from the text of /proc/self/mountinfo. */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .reverse();
}

/** Unmounts everything in and below these folders; returns what could not be unmounted. */
export async function unmountBelow(folders: readonly string[]): Promise<string[]> {
  const left = (): string[] => {
    const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
    return folders.flatMap((folder) => mountsBelow(mountinfo, folder));
  };
  // A second and third round for mounts that lay over each other.
  for (let round = 0; round < 3; round += 1) {
    const points = left();
    if (points.length === 0) break;
    await run("umount", ["--lazy", ...points]);
  }
  return left();
}
