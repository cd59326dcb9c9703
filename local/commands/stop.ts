import type { CommandLine } from "../arguments";
import { nodeStatus, stopNode } from "../node";
import { Progress } from "../progress";
import { nodeHome } from "../tools/home";

/** Stops the embedded node. Its state and all data stay unless asked otherwise. */
export async function stop({ volumes }: CommandLine): Promise<void> {
  const { state } = await nodeStatus();
  await stopNode(new Progress(), { deleteData: volumes });
  const headline = state === "stopped" ? "The embedded node was not running." : "The embedded node is stopped.";
  const data = volumes
    ? "Everything on it is deleted."
    : `Its data stays in ${nodeHome()}; npm run up continues with it, npm run local:stop -- --volumes deletes it.`;
  console.log(`\n${headline} ${data}`);
}
