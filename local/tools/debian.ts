import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Progress } from "../progress";
import { LocalError, run, runOrThrow } from "./run";

/** A Debian package and a file that shows it is there, whoever installed it. */
export interface DebianPackage {
  name: string;
  /** A command name, or an absolute path. */
  provides: string;
}

/** What the node and its image need. Asked for by command, so that Docker's own containerd.io is left in place. */
export const nodePackages: readonly DebianPackage[] = [
  { name: "containerd", provides: "containerd" },
  { name: "runc", provides: "runc" },
  { name: "containernetworking-plugins", provides: "/usr/lib/cni/ptp" },
  { name: "nftables", provides: "nft" },
  { name: "iptables", provides: "iptables" },
  { name: "conntrack", provides: "conntrack" },
  { name: "iproute2", provides: "ip" },
  { name: "mount", provides: "umount" },
  { name: "etcd-server", provides: "etcd" },
  { name: "debootstrap", provides: "debootstrap" },
  { name: "openssl", provides: "openssl" },
];

/** The full path of a command, looked for in PATH and where Debian keeps the administrator's commands. */
export function findCommand(name: string): string | undefined {
  if (name.startsWith("/")) return existsSync(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The packages of a list whose file is not there. */
export const missingPackages = (packages: readonly DebianPackage[]): DebianPackage[] =>
  packages.filter((wanted) => findCommand(wanted.provides) === undefined);

/** Installs what is missing of these packages with apt-get; touches nothing when all is there. */
export async function ensureDebianPackages(
  progress: Progress,
  packages: readonly DebianPackage[] = nodePackages,
): Promise<void> {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const names = missing.map((wanted) => wanted.name);
  const problem = cannotInstall();
  if (problem !== undefined) {
    throw new LocalError(
      `These commands are missing: ${missing.map((wanted) => wanted.provides).join(", ")}. ${problem}\n` +
        `Install them yourself (on Debian: apt-get install ${names.join(" ")}) and start again, ` +
        "or choose a cluster of your own with KUBECONFIG.",
    );
  }
  await progress.step(`install Debian packages (${names.join(", ")})`, async (note) => {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await withoutServiceStart(async () => {
      note("apt-get update");
      await runOrThrow("apt-get", ["update", "-q"], { env });
      const install = ["install", "-y", "-q", "--no-install-recommends", ...names];
      const onLine = (line: string): void => {
        if (/^(Get|Unpacking|Setting up)/.test(line)) note(line.slice(0, 60));
      };
      await runOrThrow("apt-get", install, { env, onLine });
    });
  });
  const still = missingPackages(packages);
  if (still.length > 0) {
    throw new LocalError(
      `apt-get installed ${names.join(", ")}, but ${still.map((wanted) => wanted.provides).join(", ")} did not appear.` +
        " Look at /var/log/apt/term.log, repair it there, and start again.",
    );
  }
}

function cannotInstall(): string | undefined {
  if (findCommand("apt-get") === undefined) return "They are installed with apt-get, which this machine does not have.";
  if (process.getuid?.() !== 0) return "They are installed with apt-get, which needs root.";
  return undefined;
}

const policyFile = "/usr/sbin/policy-rc.d";

/**
 * Debian starts a service when its package is installed: etcd on port 2379, containerd on its own socket. Neither is
 * wanted; the node runs its own. policy-rc.d is Debian's way to say so; systemd is then told not to start them at boot.
 */
async function withoutServiceStart(install: () => Promise<void>): Promise<void> {
  const services = ["etcd", "containerd"].filter((service) => findCommand(service) === undefined);
  const own = !existsSync(policyFile);
  if (own) writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await install();
  } finally {
    if (own) rmSync(policyFile, { force: true });
  }
  if (existsSync("/run/systemd/system")) {
    for (const service of services) await run("systemctl", ["disable", `${service}.service`]);
  }
}
