import { readFileSync } from "node:fs";

/** What the kernel counts and limits for a process and those beside it: version 1 has a hierarchy for each controller. */
export class ControlGroup {
  private readonly folder: string;
  readonly isVersion1: boolean;

  constructor(controller: string, pid: number) {
    const own = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    const line = own.split("\n").find((one) => one.split(":")[1]?.split(",").includes(controller));
    this.isVersion1 = line !== undefined;
    const path = (line ?? own).trim().split(":").slice(2).join(":");
    this.folder = line === undefined ? `/sys/fs/cgroup${path}` : `/sys/fs/cgroup/${controller}${path}`;
  }

  text(file: string): string {
    return readFileSync(`${this.folder}/${file}`, "utf8").trim();
  }

  field(file: string, name: string): number {
    const value = new RegExp(`^${name} (\\d+)$`, "m").exec(this.text(file))?.[1];
    if (value === undefined) throw new Error(`${this.folder}/${file} has no ${name}`);
    return Number(value);
  }
}
