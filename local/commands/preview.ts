import type { CommandLine } from "../arguments";
import { Progress } from "../progress";
import { openStack, previewStack, resolveStack } from "../pulumi/deploy";
import { changeLines } from "../pulumi/engine-events";
import { catchInterrupts } from "./interrupts";
import { demandCluster, deployTools } from "./prepare";

/** Shows what `up` would change. */
export async function preview({ stack, cluster, json }: CommandLine): Promise<void> {
  const resolved = resolveStack({ stack, cluster });
  const progress = new Progress();
  if (!json) for (const line of resolved.explanations) progress.line(line);
  await demandCluster(resolved);
  const open = await openStack(resolved, await deployTools(resolved, progress));
  const { release, ...signals } = catchInterrupts((line) => progress.line(line));
  const plan = await progress.step(`preview stack ${stack}`, () => previewStack(open, signals)).finally(release);
  const { changes, unchanged } = plan;
  if (json) {
    console.log(JSON.stringify(plan, null, 2));
  } else if (changes.length === 0) {
    console.log(`\nNo changes: stack ${stack} is what its settings say (${unchanged} resources).`);
  } else {
    console.log(["", `npm run up would change stack ${stack}:`, ...changes.flatMap(changeLines)].join("\n"));
    console.log(`  ${changes.length} to change, ${unchanged} unchanged`);
  }
}
