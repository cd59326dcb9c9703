import type { FoundData, Verdict } from "../../components/postgres/verdict/types";
import { refusal, verdictOf } from "../../components/postgres/verdict/verdict";
import { SettingsError } from "../../components/settings-error";
import type { CommandLine } from "../arguments";
import { claimsToReattach } from "../node";
import { Progress } from "../progress";
import { openStack, previewStack, type ResolvedStack, resolveStack } from "../pulumi/deploy";
import { documentOf, verdictExitCodes } from "../verdict/document";
import { plannedChanges } from "../verdict/plan";
import { catchInterrupts } from "./interrupts";
import { demandCluster, deployTools } from "./prepare";

/** Shows what `up` would do. On standard output there is nothing but the verdict. */
export async function preview(line: CommandLine): Promise<void> {
  const verdict = await judge(line).catch((error: unknown) => {
    if (error instanceof SettingsError) return refusal(line.stack, error.problems);
    throw error;
  });
  console.log(documentOf(verdict, line.format));
  process.exitCode = verdictExitCodes[verdict.outcome];
}

async function judge({ stack, cluster }: CommandLine): Promise<Verdict> {
  const resolved = resolveStack({ stack, cluster });
  const progress = new Progress();
  for (const explanation of resolved.explanations) progress.line(explanation);
  await demandCluster(resolved);
  const open = await openStack(resolved, await deployTools(resolved, progress));
  const { release, ...signals } = catchInterrupts((line) => progress.line(line));
  const { plan, data } = await progress
    .step(`preview stack ${stack}`, () => previewStack(open, signals))
    .finally(release);
  return verdictOf(stack, { ...plannedChanges(plan), data: data && (await withKept(resolved, data)) });
}

/** On the embedded node `up` gives claims that were deleted their volumes back. */
async function withKept({ cluster, spec }: ResolvedStack, data: FoundData): Promise<FoundData> {
  if (cluster.kind !== "embedded") return data;
  const start = `${spec.namespace}/`;
  const kept = (await claimsToReattach(spec.storageClassName)).filter((claim) => claim.startsWith(start));
  return { ...data, claims: [...data.claims, ...kept.map((claim) => claim.slice(start.length))] };
}
