import { postgresImage } from "../../local/node";
import { run, runOrThrow } from "../../local/tools/run";
import { eventually, type Namespace } from "./kubernetes";

/**
 * What became of a connection: it was made, only after a first packet was lost, the other side has nobody at that port, or
 * there was no answer at all.
 */
export type Outcome = "open" | "open late" | "refused" | "silence";

const outcomes: readonly Outcome[] = ["open", "open late", "refused", "silence"];

/** Where to, by name or address. */
export type Target = [host: string, port: number];

/** Seconds without an answer; a packet that is lost once is sent again after one second. */
const patience = 4;

/** Tries all connections at once, and says on a line for each what became of it. A name that is not found is an error. */
const attempts = `
import json, socket, struct, sys
from concurrent.futures import ThreadPoolExecutor

def attempt(target):
    [(*_, address), *_] = socket.getaddrinfo(*target, socket.AF_INET, socket.SOCK_STREAM)
    try:
        with socket.create_connection(address, timeout=${patience}) as connection:
            # The kernel's count of packets that were sent again, tcpi_total_retrans.
            [again] = struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)
        return "open" if again == 0 else "open late"
    except ConnectionRefusedError:
        return "refused"
    except socket.timeout:
        return "silence"

with ThreadPoolExecutor(8) as pool:
    print("\\n".join(pool.map(attempt, json.loads(sys.argv[1]))))
`;

const commandOf = (targets: readonly Target[]): string[] => ["python3", "-c", attempts, JSON.stringify(targets)];

function read(printed: string): Outcome[] {
  return printed
    .trim()
    .split("\n")
    .map((line) => {
      const found = outcomes.find((one) => one === line);
      if (found === undefined) throw new Error(`the attempt to connect printed: ${printed}`);
      return found;
    });
}

/** On a busy machine a packet may be late. */
const inTheEnd = (outcome: Outcome): Outcome => (outcome === "open late" ? "open" : outcome);

/** Answers on this port with nothing, for ever. */
export const listeningPort = 8080;
const listen = `
import socket
server = socket.create_server(("", ${listeningPort}))
while True:
    server.accept()[0].close()
`;

/** A pod as strict namespaces demand it. */
const podOf = (name: string, labels: Record<string, string>, command: string[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 999,
      runAsGroup: 999,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "client",
        image: postgresImage,
        imagePullPolicy: "IfNotPresent",
        command,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { cpu: "500m", memory: "64Mi" } },
      },
    ],
  },
});

/** Who connects. */
export interface Client {
  connect(targets: readonly Target[]): Promise<Outcome[]>;
}

/** A pod that runs, with python3. */
export class PodClient implements Client {
  constructor(
    private readonly namespace: Namespace,
    private readonly pod: string,
  ) {}

  /** Starts one that listens on {@link listeningPort}. */
  static async start(namespace: Namespace, name: string, labels: Record<string, string> = {}): Promise<PodClient> {
    await namespace.apply(podOf(name, labels, ["python3", "-c", listen]));
    await namespace.kubectl("wait", "pod", name, "--for=condition=Ready", "--timeout=55s");
    return new PodClient(namespace, name);
  }

  async address(): Promise<string> {
    return (await this.namespace.pod(this.pod)).status.podIP ?? "";
  }

  async connect(targets: readonly Target[]): Promise<Outcome[]> {
    return read(await this.namespace.kubectl("exec", this.pod, "--", ...commandOf(targets))).map(inTheEnd);
  }
}

/** The first thing that a new pod does is an attempt. */
export async function connectAtOnce(namespace: Namespace, name: string, target: Target): Promise<Outcome[]> {
  await namespace.apply(podOf(name, {}, commandOf([target])));
  const printed = await eventually(
    `the end of ${name}`,
    async () => (await namespace.kubectl("logs", name)) || undefined,
  );
  return read(printed);
}

/** This machine, which is the pods' node. */
export const ownNode: Client = {
  async connect(targets) {
    const [python = "", ...args] = commandOf(targets);
    return read(await runOrThrow(python, args)).map(inTheEnd);
  },
};

/** A machine beside the node that is no pod: a network namespace with a cable to this one, which forwards for it. */
export class Neighbour implements Client {
  private constructor(private readonly name: string) {}

  /** @param node its address: the neighbour gets one of the same /16, which the node has for itself and does not use. */
  static async create(name: string, node: string): Promise<Neighbour> {
    const range = node.split(".").slice(0, 2).join(".");
    const [here, there] = [`${range}.254.1`, `${range}.254.2`];
    const ip = (...args: string[]): Promise<string> => runOrThrow("ip", args);
    // One that a killed run left behind has the address.
    const left = /^\d+: (\S+)/.exec(await ip("-oneline", "address", "show", "to", here))?.[1];
    if (left !== undefined) await new Neighbour(left).remove();
    await ip("netns", "add", name);
    await ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
    await ip("address", "add", `${here}/30`, "dev", name);
    await ip("link", "set", name, "up");
    const inside = ["netns", "exec", name, "ip"];
    await ip(...inside, "address", "add", `${there}/30`, "dev", "eth0");
    await ip(...inside, "link", "set", "eth0", "up");
    await ip(...inside, "route", "add", "default", "via", here);
    return new Neighbour(name);
  }

  async connect(targets: readonly Target[]): Promise<Outcome[]> {
    return read(await runOrThrow("ip", ["netns", "exec", this.name, ...commandOf(targets)])).map(inTheEnd);
  }

  async remove(): Promise<void> {
    await run("ip", ["link", "delete", this.name]);
    await run("ip", ["netns", "delete", this.name]);
  }
}
