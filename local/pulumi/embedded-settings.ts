import { type PostgresClusterArgs, type ResourceQuantities, withDefaults } from "../../components/postgres/args";
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

// Five stacks of three pods (dev, prod, what a test or a trial makes) leave a quarter to the node itself. The number of
// pods must not count: scaling would then change every pod's request, and so restart it.
const shareOfPod = 0.05;

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
  // An image of this machine is meant to be used on it.
  if (!asked.image.startsWith("localhost/")) {
    change("image", asked.image, postgresImage, "built from Debian's packages, no registry needed");
    const { major, ...others } = asked.acknowledge;
    // What was upgraded by hand is the data of the stack's own cluster.
    if (major !== undefined) {
      changes.acknowledge = others;
      lines.push(`acknowledge.major: none instead of ${major} (it goes with the image)`);
    }
  }
  if (asked.storageClassName !== undefined) {
    change("storageClassName", asked.storageClassName, undefined, "the node has no classes but its own");
  }
  const { createKey, keyId } = asked.encryption;
  if (createKey || keyId !== undefined) {
    const from = createKey ? "createKey: true" : `keyId: ${keyId}`;
    change("encryption", from, undefined, "no cloud encrypts the folders of this machine");
  }
  const requests = loweredRequests(asked.resources.requests, machine);
  if (requests !== undefined) {
    const { limits } = asked.resources;
    const text = ({ cpu, memory }: { cpu: string; memory: string }): string => `${cpu} CPU and ${memory}`;
    changes.resources = { requests: { ...requests }, limits: { ...limits } };
    const size = `${machine.cores} cores and ${formatBytes(machine.memoryBytes)}`;
    lines.push(
      `resources.requests: ${text(requests)} instead of ${text(asked.resources.requests)} (the node has ${size})`,
    );
  }
  return { changes, lines };
}

function loweredRequests(requests: ResourceQuantities, machine: Machine): ResourceQuantities | undefined {
  const cpu = parseMillicores(requests.cpu);
  const memory = parseBytes(requests.memory);
  if (!cpu.ok || !memory.ok) return undefined;
  const mostCpu = Math.max(10, Math.floor((machine.cores * 1000 * shareOfPod) / 10) * 10);
  const mostMemory = Math.max(64, Math.floor((machine.memoryBytes * shareOfPod) / 1024 ** 2));
  if (cpu.value <= mostCpu && memory.value <= mostMemory * 1024 ** 2) return undefined;
  return {
    cpu: cpu.value <= mostCpu ? requests.cpu : `${mostCpu}m`,
    memory: memory.value <= mostMemory * 1024 ** 2 ? requests.memory : `${mostMemory}Mi`,
  };
}
