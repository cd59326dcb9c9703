import { execFileSync } from "node:child_process";
import { startNode } from "../../../local/node";
import { runningPid } from "../../../local/node/processes";
import { Progress } from "../../../local/progress";
import { runOrThrow } from "../../../local/tools/run";
import { takenBack } from "./taken-back";

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Kills one of the node's servers and starts it again, as a service manager would. */
export async function restartServer(name: "containerd" | "kubelet"): Promise<void> {
  const pid = runningPid(name);
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, "SIGKILL");
  await sleep(1);
  await startNode(new Progress());
}

/** Takes a pod's network interface down for a while. Returns when it was up again. */
export async function cutNetwork(address: string, seconds: number): Promise<number> {
  const route = (await runOrThrow("ip", ["route", "show", address])).trim();
  const device = /dev (\S+)/.exec(route)?.[1];
  if (device === undefined) throw new Error(`no interface leads to ${address}`);
  const connect = (): void => {
    execFileSync("ip", ["link", "set", device, "up"]);
    // The kernel forgot it with the interface.
    execFileSync("ip", ["route", "replace", ...route.split(/\s+/)]);
  };
  await takenBack(connect, async () => {
    await runOrThrow("ip", ["link", "set", device, "down"]);
    await sleep(seconds);
  });
  return Date.now();
}
