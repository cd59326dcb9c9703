import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findCommand } from "../tools/debian";
import { listAt, parseJson, textAt } from "../tools/json";
import { LocalError, run, runOrThrow } from "../tools/run";
import { ensurePolicyRules, removePolicyRules } from "./policy-rules";
import {
  bridgeName,
  type Network,
  network,
  networkChoices,
  nftTable,
  type Paths,
  ruleComment,
  runFolder,
} from "./settings";

/** Setting: the first two numbers of the /16 to use, for example "10.50". Only read before the first start. */
const prefixVariable = "KUBERNETES_POSTGRES_NETWORK";

/** The node's addresses: those of its first start, else the chosen ones, else the first free choice. */
export async function chooseNetwork(paths: Paths): Promise<Network> {
  const saved = savedNetwork(paths);
  if (saved !== undefined) return saved;
  const prefix = process.env[prefixVariable] ?? freePrefix(await usedDestinations(), networkChoices);
  if (prefix === undefined || !/^\d{1,3}\.\d{1,3}$/.test(prefix)) {
    throw new LocalError(
      prefix === undefined
        ? `The node needs a free private network, but all of ${networkChoices.join(", ")} (each .0.0/16) are routed on this machine.\nChoose another one: ${prefixVariable}=10.50`
        : `${prefixVariable} is "${prefix}", which is not the first two numbers of an IPv4 /16.\nSet it like this: ${prefixVariable}=10.50`,
    );
  }
  mkdirSync(dirname(paths.network), { recursive: true });
  writeFileSync(paths.network, JSON.stringify({ prefix }));
  return network(prefix);
}

/** The addresses of a node that was started before. */
export function savedNetwork(paths: Paths): Network | undefined {
  if (!existsSync(paths.network)) return undefined;
  const prefix = textAt(parseJson(readFileSync(paths.network, "utf8")), "prefix");
  return prefix === undefined ? undefined : network(prefix);
}

/** The first /16 of the choices that no destination lies in. A destination is "10.0.0.0/8", an address, or "default". */
export function freePrefix(destinations: readonly string[], choices: readonly string[]): string | undefined {
  return choices.find((choice) => !destinations.some((destination) => overlaps(destination, choice)));
}

function overlaps(destination: string, choice: string): boolean {
  const [address = "", bits = "32"] = destination.split("/");
  const parts = address.split(".").map(Number);
  const [first, second] = parts;
  if (first === undefined || second === undefined || parts.length !== 4 || Number(bits) === 0) return false;
  const shift = 16 - Math.min(16, Number(bits));
  const [choiceFirst = 0, choiceSecond = 0] = choice.split(".").map(Number);
  return (first * 256 + second) >> shift === (choiceFirst * 256 + choiceSecond) >> shift;
}

async function usedDestinations(): Promise<string[]> {
  const routes = parseJson(await runOrThrow("ip", ["-j", "-4", "route", "show", "table", "all"]));
  return listAt(routes).flatMap((route) => textAt(route, "dst") ?? []);
}

const forwardingSwitch = "/proc/sys/net/ipv4/ip_forward";
const forwardingWas = join(runFolder, "ip_forward.before");

/** Makes the device with the node's address, the route of the Services, and forwarding; does nothing where all is there. */
export async function ensureNetwork(chosen: Network): Promise<void> {
  await allowForwarding(chosen);
  await ensurePolicyRules(chosen);
  const ip = (...args: string[]): Promise<string> => runOrThrow("ip", args);
  // A pod that is gone is unreachable at once; its packets must not leave the machine by the default route.
  await ip("route", "replace", "unreachable", chosen.podRange);
  const address = await run("ip", ["-j", "-4", "address", "show", "dev", bridgeName]);
  if (address.code === 0 && address.stdout.includes(`"${chosen.address}"`)) return;
  if (address.code !== 0) await ip("link", "add", bridgeName, "type", "bridge");
  await ip("address", "replace", `${chosen.address}/32`, "dev", bridgeName);
  await ip("link", "set", bridgeName, "up");
  // So that a Service is reached from the machine itself even where there is no default route.
  await ip("route", "replace", chosen.serviceRange, "dev", bridgeName, "src", chosen.address);
  if (!existsSync(forwardingWas)) writeFileSync(forwardingWas, readFileSync(forwardingSwitch));
  writeFileSync(forwardingSwitch, "1");
  const rules = `table ip ${nftTable} {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${chosen.podRange} ip daddr != ${chosen.prefix}.0.0/16 masquerade
  }
}
`;
  await runOrThrow("nft", ["-f", "-"], { input: `table ip ${nftTable}\ndelete table ip ${nftTable}\n${rules}` });
}

/**
 * Container engines make the machine drop what it forwards, which all traffic between pods is; such a verdict can only
 * be prevented in the chain that says it.
 */
async function allowForwarding(chosen: Network): Promise<void> {
  const rules = await forwardRules();
  if (!rules.includes("-P FORWARD DROP") || rules.some((rule) => rule.includes(ruleComment))) return;
  for (const direction of ["-s", "-d"]) {
    const match = [direction, chosen.podRange, "-m", "comment", "--comment", ruleComment];
    await runOrThrow("iptables", ["-I", "FORWARD", ...match, "-j", "ACCEPT"]);
  }
}

async function forwardRules(): Promise<string[]> {
  if (findCommand("iptables") === undefined) return [];
  return (await run("iptables", ["-S", "FORWARD"])).stdout.split("\n");
}

async function removeForwardRules(): Promise<void> {
  const own = (await forwardRules()).filter((rule) => rule.startsWith("-A ") && rule.includes(ruleComment));
  for (const rule of own) await run("iptables", rule.replace("-A", "-D").replaceAll('"', "").split(" "));
}

/** Takes back what {@link ensureNetwork} and kube-proxy made. */
export async function removeNetwork(chosen: Network | undefined): Promise<void> {
  await run("ip", ["link", "delete", bridgeName]);
  if (chosen !== undefined) await run("ip", ["route", "delete", "unreachable", chosen.podRange]);
  for (const table of [`ip ${nftTable}`, "ip kube-proxy", "ip6 kube-proxy"]) {
    await run("nft", ["delete", "table", ...table.split(" ")]);
  }
  await removeForwardRules();
  await removePolicyRules();
  if (existsSync(forwardingWas)) {
    writeFileSync(forwardingSwitch, readFileSync(forwardingWas));
    rmSync(forwardingWas);
  }
}
