import { type PostgresClusterArgs, withDefaults } from "../../components/postgres/args";
import { formatBytes, parseBytes, parseMillicores } from "../../components/postgres/quantity";
import { postgresImage } from "../node/images";
import type { ConfigValue, SettingChanges } from "./stack-file";

/** What the node has to share out. */
export interface Machine {
  cores: number;
  memoryBytes: number;
}

/** A stack's settings as the embedded node needs them. */
export interface EmbeddedSettings {
  changes: SettingChanges;
  /** One line for each change that differs from what was asked, for people. */
  lines: string[];
}

// Four stacks side by side (dev, prod, what a test or a trial makes) leave a fifth to the node itself.
const shareOfStack = 0.2;

/**
 * What has to differ on the embedded node. Only requests are lowered, never limits: PostgreSQL's memory settings come
 * from the limit, so they stay those of the stack.
 */
export function embeddedSettings(args: PostgresClusterArgs, kubeconfig: string, machine: Machine): EmbeddedSettings {
  const asked = withDefaults(args);
  const changes: SettingChanges = { "kubernetes:kubeconfig": kubeconfig, "kubernetes:context": undefined };
  const lines: string[] = [];
  const change = (setting: string, from: string, to: ConfigValue | undefined, why: string): void => {
    changes[setting] = to;
    lines.push(
      `${setting}: ${typeof to === "string" ? to : to === undefined ? "none" : JSON.stringify(to)} instead of ${from} (${why})`,
    );
  };
  if (asked.cloud !== "on-premise")
    change("cloud", asked.cloud, "on-premise", "its volumes are folders of this machine");
  if (asked.image !== postgresImage)
    change("image", asked.image, postgresImage, "built from Debian's packages, no registry needed");
  if (asked.storageClassName !== undefined) {
    change("storageClassName", asked.storageClassName, undefined, "the node has no classes but its own");
  }
  const requests = loweredRequests(asked.resources.requests, asked.replicas, machine);
  if (requests !== undefined) {
    const { limits } = asked.resources;
    const text = ({ cpu, memory }: { cpu: string; memory: string }): string => `${cpu} CPU and ${memory}`;
    changes.resources = { requests: { ...requests }, limits: { ...limits } };
    lines.push(
      `resources.requests: ${text(requests)} instead of ${text(asked.resources.requests)} (${asked.replicas} pods must fit ` +
        `${machine.cores} cores and ${formatBytes(machine.memoryBytes)})`,
    );
  }
  return { changes, lines };
}

function loweredRequests(
  requests: { cpu: string; memory: string },
  replicas: number,
  machine: Machine,
): { cpu: string; memory: string } | undefined {
  const cpu = parseMillicores(requests.cpu);
  const memory = parseBytes(requests.memory);
  if (!cpu.ok || !memory.ok || !(replicas > 0)) return undefined;
  const mostCpu = Math.max(10, Math.floor((machine.cores * 1000 * shareOfStack) / replicas / 10) * 10);
  const mebibyte = 1024 ** 2;
  const mostMemory = Math.max(64, Math.floor((machine.memoryBytes * shareOfStack) / replicas / mebibyte));
  if (cpu.value <= mostCpu && memory.value <= mostMemory * mebibyte) return undefined;
  return {
    cpu: cpu.value <= mostCpu ? requests.cpu : `${mostCpu}m`,
    memory: memory.value <= mostMemory * mebibyte ? requests.memory : `${mostMemory}Mi`,
  };
}
