import { existsSync } from "node:fs";
import type { CommandLine } from "../arguments";
import { nodeStatus } from "../node";
import { npmLine } from "../npm-line";
import { clusterKey } from "../pulumi/cluster-choice";
import { openStack, type ResolvedStack, resolveStack, stackOutputs } from "../pulumi/deploy";
import { type PublicOutputs, withoutSecrets } from "../pulumi/outputs";
import { stackPaths } from "../pulumi/paths";
import { podState } from "../pulumi/pods/diagnosis";
import { growingClaims } from "../pulumi/pods/growth";
import { type Kubectl, Kubernetes } from "../pulumi/pods/kubernetes";
import { takeSnapshot } from "../pulumi/pods/pod-watch";
import { podReport } from "../pulumi/pods/report";
import { rolloutLines, rolloutOf } from "../pulumi/pods/rollout";
import { run } from "../tools/run";
import { toolPaths } from "../tools/tools";
import { kubectlFor, rolloutCommands } from "./prepare";

interface PodStatus {
  pod: string;
  role: string;
  state: string;
  restarts: number;
  /** What the primary says of this replica's stream; undefined for the primary, or when it cannot be asked. */
  replication: string | undefined;
  /** When its certificate ends, as ISO 8601 has it; undefined without TLS, or when the pod cannot be asked. */
  certificateEnds: string | undefined;
  /** What it does not take over, and why, in its own words; undefined when it cannot be asked. */
  notices: string[] | undefined;
}

interface Status {
  stack: string;
  cluster: string;
  /** Of the embedded node only. */
  node: string | undefined;
  pods: PodStatus[];
  /** Pods that `updateStrategy` keeps on an older revision, and what to do next; none where all run the newest. */
  rollout: string[];
  claims: { claim: string; state: string; size: string; volume: string }[];
  /** Services that clients connect by, and that are not there. */
  missingServices: string[];
  outputs: PublicOutputs | undefined;
}

/** Shows how a stack is. Changes nothing, builds nothing. */
export async function status({ stack, cluster, json }: CommandLine): Promise<void> {
  const resolved = resolveStack({ stack, cluster });
  const [explanation = ""] = resolved.explanations;
  const node = resolved.cluster.kind === "embedded" ? (await nodeStatus()).state : undefined;
  const kubectl = kubectlFor(resolved);
  const reachable = (node === undefined || node === "ready") && kubectl !== undefined;
  const [around, outputs] = await Promise.all([
    reachable ? lookAround(resolved, kubectl) : { pods: [], rollout: [], claims: [], missingServices: [] },
    lastOutputs(resolved),
  ]);
  const found: Status = { stack, cluster: explanation, node, ...around, outputs };
  console.log(json ? JSON.stringify(found, null, 2) : text(found, reachable));
}

async function lookAround(
  resolved: ResolvedStack,
  kubectl: Kubectl,
): Promise<Pick<Status, "pods" | "rollout" | "claims" | "missingServices">> {
  const { namespace, names } = resolved.spec;
  const kubernetes = await Kubernetes.connect(kubectl);
  try {
    const target = { namespace, statefulSet: names.statefulSet };
    const snapshot = await takeSnapshot(kubernetes, target, true);
    const primary = `${names.statefulSet}-0`;
    const alive = snapshot.pods.some(({ name, ready }) => name === primary && ready);
    const services = snapshot.statefulSet === undefined ? [] : [names.primaryService, names.headlessService];
    const [streams, reports, found] = await Promise.all([
      alive ? replication(kubectl, namespace, primary) : new Map<string, string>(),
      Promise.all(snapshot.pods.map(({ name }) => podReport(kubectl, namespace, name))),
      Promise.all(services.map((name) => kubernetes.get(`/api/v1/namespaces/${namespace}/services/${name}`))),
    ]);
    const pods = snapshot.pods.map((pod, index) => ({
      pod: pod.name,
      role: pod.name === primary ? "primary" : "replica",
      state: podState(pod),
      restarts: pod.containers.reduce((sum, { restarts }) => sum + restarts, 0),
      replication: pod.name === primary || !alive ? undefined : (streams.get(pod.name) ?? "not streaming"),
      certificateEnds: reports[index]?.certificateEnds,
      notices: reports[index]?.notices,
    }));
    const rollout = rolloutOf(snapshot);
    const growing = growingClaims(snapshot).map(({ name }) => name);
    const claims = snapshot.claims.map(({ name, bound, size, capacity, volume }) => ({
      claim: name,
      state: growing.includes(name) ? `growing from ${capacity}` : bound ? "bound" : "waiting",
      size,
      volume,
    }));
    const lines = rollout === undefined ? [] : rolloutLines(rollout, rolloutCommands(resolved));
    const missingServices = services.filter((_, index) => found[index] === undefined);
    return { pods, rollout: lines, claims, missingServices };
  } finally {
    kubernetes.close();
  }
}

/** State and lag of each replica, as the primary sees it. */
async function replication({ path, args }: Kubectl, namespace: string, primary: string): Promise<Map<string, string>> {
  const sql = `select application_name, state, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
    from pg_stat_replication`;
  const psql = ["psql", "-XAtq", "-U", "postgres", "-d", "postgres", "-c", sql];
  const command = [...args, "exec", "-n", namespace, primary, "-c", "postgres", "--", ...psql];
  const { code, stdout } = await run(path, command, { timeoutMs: 5_000 });
  const rows = code === 0 ? stdout.trim().split("\n") : [];
  return new Map(
    rows.map((row) => {
      const [name = "", state = "", lag = ""] = row.split("|");
      return [name, `${state}, ${lag} behind`];
    }),
  );
}

async function lastOutputs(resolved: ResolvedStack): Promise<PublicOutputs | undefined> {
  const { pulumi, kubernetesProvider } = toolPaths();
  const { checkpoint } = stackPaths(resolved.stack, clusterKey(resolved.cluster));
  const elsewhere = resolved.cluster.kind === "current" && process.env.PULUMI_BACKEND_URL;
  if (!existsSync(pulumi) || !existsSync(kubernetesProvider)) return undefined;
  if (!elsewhere && !existsSync(checkpoint)) return undefined;
  const outputs = await stackOutputs(await openStack(resolved, { pulumi, kubernetesProvider }));
  return outputs && withoutSecrets(outputs);
}

function text(
  { stack, cluster, node, pods, rollout, claims, missingServices, outputs }: Status,
  reachable: boolean,
): string {
  const lines = [cluster];
  if (node !== undefined)
    lines.push(`Node: ${node}${node === "stopped" ? ` (${npmLine("up", stack)} starts it)` : ""}`);
  if (outputs === undefined) lines.push(`Stack ${stack} is not deployed. ${npmLine("up", stack)} deploys it.`);
  else {
    const { namespace, database, user, primary, secretName, storageClassName } = outputs;
    lines.push(
      `Stack ${stack}: database ${database}, role ${user}, namespace ${namespace}`,
      `  primary       ${primary.host}:${primary.port}`,
      ...outputs.endpoints.map(({ pod, host, port }) => `  ${pod.padEnd(13)} ${host}:${port}`),
      `  passwords     Secret ${secretName}`,
      `  StorageClass  ${storageClassName}`,
    );
  }
  if (!reachable) return lines.join("\n");
  for (const name of missingServices)
    lines.push(`Service ${name} is missing, and clients cannot connect by it: ${npmLine("up", stack)} makes it anew`);
  lines.push(pods.length === 0 ? "No pods" : "Pods:");
  for (const { pod, role, state, restarts, replication: stream, certificateEnds, notices } of pods) {
    const facts = [
      state,
      ...(restarts > 0 ? [`${restarts} restarts`] : []),
      ...(stream === undefined ? [] : [stream]),
      ...(certificateEnds === undefined ? [] : [`certificate until ${certificateEnds.slice(0, 10)}`]),
    ];
    // One that does not run says nothing, and its state says enough.
    const unknown = state === "ready" ? ["what it does not take over is not known: it could not be asked"] : [];
    lines.push(`  ${pod}  ${role}  ${facts.join(", ")}`, ...(notices ?? unknown).map((words) => `      ${words}`));
  }
  lines.push(...rollout.map((line) => `  ${line}`));
  lines.push(claims.length === 0 ? "No volumes" : "Volumes:");
  for (const { claim, state, size, volume } of claims) lines.push(`  ${claim}  ${state}  ${size}  ${volume}`);
  return lines.join("\n");
}
