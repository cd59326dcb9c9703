import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { versions } from "../local/tools/tools";

/** What a reader has to know of the machine, in its own words; the load tells what else it did. */
export function machineWords(): string[] {
  const [cpu] = cpus();
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readOptional("/etc/os-release"))?.[1];
  return [
    `${cpus().length} x ${cpu?.model.trim() || "CPU of unknown make"}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `${system ?? type()}, ${type()} ${release()}`,
    `Node ${process.versions.node}`,
    `Pulumi ${versions.pulumi}, kubernetes provider ${versions.kubernetesProvider}, Kubernetes ${versions.kubernetes}`,
    `load average before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  ];
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
