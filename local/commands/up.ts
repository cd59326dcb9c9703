import { clientsText } from "../../components/postgres/network-policy";
import type { CommandLine } from "../arguments";
import { ensureVolumes, reattachVolumes, startNode } from "../node";
import { npmLine } from "../npm-line";
import { duration, Progress } from "../progress";
import { type Deployment, deploy, openStack, type ResolvedStack, resolveStack } from "../pulumi/deploy";
import { type Change, pastTense } from "../pulumi/engine-events";
import { reachesRunningPods } from "../pulumi/live-changes";
import { rolloutLines } from "../pulumi/pods/rollout";
import { catchInterrupts } from "./interrupts";
import { deployTools, psqlLine, rolloutCommands } from "./prepare";

/** Makes a stack what its settings say, with everything it needs for that. Settings are judged before anything else. */
export async function up({ stack, cluster }: CommandLine): Promise<void> {
  const started = Date.now();
  const resolved = resolveStack({ stack, cluster });
  const progress = new Progress();
  for (const line of resolved.explanations) progress.line(line);
  const title = `deploy stack ${stack}`;
  const embedded = resolved.cluster.kind === "embedded";
  if (embedded) await startNode(progress);
  const open = await openStack(resolved, await deployTools(resolved, progress));
  const { release, ...signals } = catchInterrupts((line) => progress.line(line));
  const say = (line: string): void => progress.line(line);
  const volumes = embedded ? () => provideVolumes(resolved, say) : undefined;
  const deployment = await progress
    .step(title, (note) => deploy(open, { ...signals, say, note }, volumes))
    .finally(release);
  console.log(`\n${summary(resolved, deployment, Date.now() - started)}`);
}

/** Local volumes stand for a driver: one for each pod, and one to spare for the next replica. */
async function provideVolumes({ spec }: ResolvedStack, say: (line: string) => void): Promise<void> {
  const { storageClassName, storageSize: size, replicas } = spec;
  const back = await reattachVolumes(storageClassName);
  if (back.length > 0) {
    const [claims, next] = back.length === 1 ? ["claim", "claim of this name"] : ["claims", "claims of these names"];
    say(`The data of ${back.length} deleted ${claims} (${back.join(", ")}) is kept for the next ${next}.`);
  }
  await ensureVolumes({ storageClassName, size, count: replicas + 1 });
}

function summary(
  resolved: ResolvedStack,
  { changes, unchanged, outputs, rollout }: Deployment,
  tookMs: number,
): string {
  const counts = new Map<Change, number>();
  for (const { change } of changes) counts.set(change, (counts.get(change) ?? 0) + 1);
  const what = [...counts].map(([change, count]) => `${count} ${pastTense[change]}`).join(", ");
  const { stack, spec } = resolved;
  const but = rollout === undefined ? "." : ", but not all of its pods run it:";
  const headline =
    changes.length === 0
      ? `Nothing to change: stack ${stack} is what its settings say (${unchanged} resources, checked in ${duration(tookMs)})${but}`
      : `Stack ${stack} is ${rollout === undefined ? "up" : "changed"} (${what}; ${duration(tookMs)})${but}`;
  const width = Math.max(...outputs.endpoints.map(({ pod }) => pod.length));
  const rows = outputs.endpoints.map(({ pod, role, host, port }) => `  ${pod.padEnd(width)}  ${role}  ${host}:${port}`);
  const { primary, namespace, secretName, user } = outputs;
  const later =
    "Changed settings and passwords reach the running pods within about a minute; " +
    `${npmLine("status", stack)} says what a pod does not take over, and why.`;
  return [
    headline,
    ...(rollout === undefined ? [] : rolloutLines(rollout, rolloutCommands(resolved)).map((line) => `  ${line}`)),
    ...(reachesRunningPods(changes, spec) ? [later] : []),
    "",
    `Endpoints, for ${clientsText(spec.networkPolicy)}:`,
    ...rows,
    `  ${"writes".padEnd(width)}  primary  ${primary.host}:${primary.port}`,
    `  role ${user}, password in Secret ${namespace}/${secretName}`,
    "",
    "Open psql on the primary:",
    `  ${psqlLine(resolved)}`,
  ].join("\n");
}
