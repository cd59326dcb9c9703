import { readFileSync } from "node:fs";
import { findCommand } from "../tools/debian";
import { LocalError, run } from "../tools/run";
import { type Network, policyQueue, ruleComment } from "./settings";

/**
 * New connections from pods and to pods wait in a queue until the server `network-policies` has judged them: between pods,
 * from and to the outside, and from pods to the machine itself. What the machine itself sends to a pod passes none of these
 * chains: Kubernetes lets a node reach its pods. With nobody at the queue all goes on.
 */
function policyRules({ podRange }: Network): string[][] {
  const judged = [
    "-m",
    "conntrack",
    "!",
    "--ctstate",
    "ESTABLISHED,RELATED",
    "-m",
    "comment",
    "--comment",
    ruleComment,
  ];
  const queue = ["-j", "NFQUEUE", "--queue-num", `${policyQueue}`, "--queue-bypass"];
  const places = [
    ["FORWARD", "-s"],
    ["FORWARD", "-d"],
    ["INPUT", "-s"],
  ];
  return places.map((place) => [...place, podRange, ...judged, ...queue]);
}

// The table is one in which nothing is decided but this: what the queue lets go on skips the rest of its chain.
const iptables = (action: "-A" | "-C" | "-D", rule: readonly string[]) =>
  run("iptables", ["-w", "-t", "mangle", action, ...rule]);

/**
 * Makes the rules that are missing.
 * @throws LocalError where the kernel cannot have them.
 */
export async function ensurePolicyRules(chosen: Network): Promise<void> {
  for (const rule of policyRules(chosen)) {
    if ((await iptables("-C", rule)).code === 0) continue;
    const { code, stderr } = await iptables("-A", rule);
    if (code === 0) continue;
    throw new LocalError(
      `The node cannot enforce NetworkPolicies: iptables says ${stderr.trim().split("\n")[0]}.\n` +
        "The kernel needs xt_NFQUEUE and xt_conntrack: load them, or choose a cluster of your own with KUBECONFIG.",
    );
  }
}

export async function removePolicyRules(): Promise<void> {
  if (findCommand("iptables") === undefined) return;
  const { stdout } = await run("iptables", ["-w", "-t", "mangle", "-S"]);
  const own = stdout.split("\n").filter((line) => line.startsWith("-A ") && line.includes(ruleComment));
  for (const rule of own) await iptables("-D", rule.replace("-A ", "").replaceAll('"', "").split(" "));
}

/** Whether somebody judges what is in the queue. */
export function hasJudge(): boolean {
  try {
    const queues = readFileSync("/proc/net/netfilter/nfnetlink_queue", "utf8").split("\n");
    return queues.some((line) => line.trim().split(/\s+/)[0] === `${policyQueue}`);
  } catch {
    // The kernel has no queue at all before the first one is used.
    return false;
  }
}
