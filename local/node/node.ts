import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Note, Progress } from "../progress";
import { ensureDebianPackages } from "../tools/debian";
import { home } from "../tools/home";
import { listAt, textAt } from "../tools/json";
import { LocalError, until } from "../tools/run";
import { ensureTools, toolPaths } from "../tools/tools";
import { writeWhole } from "../tools/whole-file";
import { type Api, adminApi } from "./api";
import { applyBootstrapObjects } from "./bootstrap-objects";
import { ensureCertificates } from "./certificates";
import { writeConfigFiles } from "./config-files";
import { runningTasks } from "./containers";
import { importImages, makeImages, postgresImage } from "./images";
import { withNodeLock } from "./lock";
import { chooseNetwork, ensureNetwork, savedNetwork } from "./network";
import { hasJudge } from "./policy-rules";
import { lastLogLines, runningPid, runsAsWanted, type Server, startServer } from "./processes";
import { type ServerName, servers } from "./servers";
import { containerdSocket, nodeName, type Paths, paths, runFolder } from "./settings";

/** A node that is up. */
export interface LocalNode {
  /** Path of a kubeconfig with an administrator's rights. */
  kubeconfig: string;
  /** The node's address; the API server is at port 6443. */
  address: string;
  /** Where names of the cluster are answered, port 53. */
  dns: string;
}

/** What is there, without changing anything. */
export interface NodeStatus {
  /** `ready`: pods can run. `partial`: some servers run, or the node is not Ready yet. */
  state: "stopped" | "partial" | "ready";
  node?: LocalNode;
  /** Each server's pid, undefined for one that does not run. */
  servers: Record<string, number | undefined>;
}

const serverNames: readonly ServerName[] = [
  "etcd",
  "containerd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "coredns",
  "network-policies",
];

/** Milliseconds a server gets to become ready on a slow and busy machine. */
const patience = 120_000;
/** Milliseconds for kubelet to notice that the containers of an earlier run are gone; it takes about two seconds. */
const podPatience = 15_000;

/**
 * Brings up the single node, or what is missing of it: installs and builds what was never there (see `ensureTools`),
 * starts what does not run, leaves what runs. Returns when pods can run; within a second when all is up.
 */
export async function startNode(progress: Progress): Promise<LocalNode> {
  refuseElsewhere();
  refuseOtherOwner();
  await ensureDebianPackages(progress);
  const tools = await ensureTools(progress, ["node"]);
  await makeImages(progress, tools.pause);
  return withNodeLock(async () => {
    refuseOtherOwner();
    // Others that start read it without a lock.
    writeWhole(ownerFile, home());
    const at = paths();
    const network = await chooseNetwork(at);
    const node: LocalNode = { kubeconfig: at.kubeconfig, address: network.address, dns: network.address };
    for (const folder of [at.config, at.logs, at.volumes]) mkdirSync(folder, { recursive: true });
    await ensureCertificates(at, network);
    const all = servers(tools, at, network, writeConfigFiles(at, network));
    const api = adminApi(at, network);
    await ensureNetwork(network);
    if (Object.values(all).every(runsAsWanted) && (await isNodeReady(api, 0))) {
      await importImages(tools.pause, () => undefined);
      return node;
    }
    await progress.step("start the Kubernetes node", (note) => bringUp(all, at, api, tools.pause, note));
    return node;
  });
}

async function bringUp(
  all: Record<ServerName, Server>,
  at: Paths,
  api: Api,
  pauseFolder: string,
  note: Note,
): Promise<void> {
  const start = (name: ServerName): Promise<boolean> => startServer(all[name], at.logs);
  note("etcd, containerd, API server");
  await Promise.all([start("etcd"), start("containerd"), start("kube-apiserver")]);
  const containerdUp = waitFor("containerd", at, () => accepts(containerdSocket));
  const images = async (): Promise<void> => {
    await containerdUp;
    await importImages(pauseFolder, note);
  };
  const rest = async (): Promise<void> => {
    await waitFor("kube-apiserver", at, () => answers(api, "/readyz"));
    note("kubelet, controllers, scheduler, proxy, DNS, network policies");
    await containerdUp;
    // Where no container survived, what the API says about running ones is of an earlier run.
    const anew = (await runningTasks()).length === 0;
    const startedAt = Math.floor(Date.now() / 1000) * 1000;
    const fresh = await start("kubelet");
    await Promise.all([start("kube-controller-manager"), start("kube-scheduler"), start("kube-proxy")]);
    await applyBootstrapObjects(api);
    await Promise.all([start("coredns"), start("network-policies")]);
    await Promise.all([
      waitFor("kubelet", at, () => isNodeReady(api, fresh ? startedAt : 0)),
      waitFor("network-policies", at, async () => hasJudge()),
    ]);
    if (anew) await until(async () => !(await showsOldContainers(api, startedAt)), podPatience, 100);
  };
  await Promise.all([images(), rest()]);
}

/** Waits for a server, and says its last words when it ends before it is ready. */
async function waitFor(name: ServerName, at: Paths, ready: () => Promise<boolean>): Promise<void> {
  let dead = false;
  const done = await until(
    async () => {
      dead = runningPid(name) === undefined;
      return dead || (await ready());
    },
    patience,
    100,
  );
  if (done && !dead) return;
  throw new LocalError(
    `The node's ${name} ${dead ? "ended" : `was not ready after ${patience / 1000} s`}. Its last words:\n  ` +
      `${lastLogLines(at.logs, name)}\nAll of them: ${join(at.logs, `${name}.log`)}. ` +
      "Start again; if it stays like this, npm run local:stop and then npm run up makes it anew.",
  );
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}

const answers = (api: Api, path: string): Promise<boolean> =>
  api.call("GET", path).then(
    (answer) => answer.status === 200,
    () => false,
  );

/** Whether the node says it is Ready, and said so after this time: an earlier run's last word still stands in etcd. */
async function isNodeReady(api: Api, after: number): Promise<boolean> {
  const answer = await api.call("GET", `/api/v1/nodes/${nodeName}`).catch(() => undefined);
  const conditions = answer === undefined ? [] : listAt(answer.body, "status", "conditions");
  const ready = conditions.find((condition) => textAt(condition, "type") === "Ready");
  const saidAt = Date.parse(textAt(ready, "lastHeartbeatTime") ?? "");
  return textAt(ready, "status") === "True" && saidAt >= after;
}

/** Whether a pod is still shown with a container that was started before this time. */
async function showsOldContainers(api: Api, before: number): Promise<boolean> {
  const answer = await api.call("GET", `/api/v1/pods?fieldSelector=spec.nodeName=${nodeName}`).catch(() => undefined);
  const statuses = listAt(answer?.body, "items").flatMap((pod) => listAt(pod, "status", "containerStatuses"));
  return statuses.some((status) => Date.parse(textAt(status, "state", "running", "startedAt") ?? "") < before);
}

/** What runs, without starting anything. */
export async function nodeStatus(): Promise<NodeStatus> {
  const at = paths();
  const running = Object.fromEntries(serverNames.map((name) => [name, runningPid(name)]));
  const network = savedNetwork(at);
  const count = Object.values(running).filter((pid) => pid !== undefined).length;
  if (network === undefined || count === 0) return { state: "stopped", servers: running };
  const node: LocalNode = { kubeconfig: at.kubeconfig, address: network.address, dns: network.address };
  const ready = count === serverNames.length && (await isNodeReady(adminApi(at, network), 0));
  return { state: ready ? "ready" : "partial", node, servers: running };
}

function refuseElsewhere(): void {
  if (process.platform === "linux" && process.getuid?.() === 0) return;
  const reason = process.platform === "linux" ? "needs root, to make containers and networks" : "runs on Linux only";
  throw new LocalError(
    `The embedded Kubernetes node ${reason}.\nChoose a cluster of your own instead: KUBECONFIG=/path/to/kubeconfig npm run up`,
  );
}

/** Makes the images that are missing and gives them to the running node; returns the reference of PostgreSQL's. */
export async function ensureImage(progress: Progress): Promise<string> {
  const { pause } = toolPaths();
  await makeImages(progress, pause);
  await importImages(pause, () => undefined);
  return postgresImage;
}

const ownerFile = join(runFolder, "home");

/** A machine has one such node: its devices, addresses and rules have fixed names. */
function refuseOtherOwner(): void {
  const owner = existsSync(ownerFile) ? readFileSync(ownerFile, "utf8") : home();
  if (owner === home() || serverNames.every((name) => runningPid(name) === undefined)) return;
  throw new LocalError(
    `A node of another folder runs on this machine: ${owner}.\n` +
      `Use it with KUBERNETES_POSTGRES_HOME=${owner}, or stop it first with the same setting and npm run local:stop.`,
  );
}
