import { Progress } from "../progress";
import { LocalError } from "../tools/run";
import { nodeStatus, startNode } from "./node";
import { stopNode } from "./stop";

/** The node alone, without PostgreSQL: start, stop, stop --delete-data, status. */
async function main(command: string | undefined, option: string | undefined): Promise<void> {
  const progress = new Progress();
  if (command === "start") console.log(JSON.stringify(await startNode(progress), null, 2));
  else if (command === "status") console.log(JSON.stringify(await nodeStatus(), null, 2));
  else if (command === "stop") await stopNode(progress, { deleteData: option === "--delete-data" });
  else throw new LocalError("Say what to do with the node: start, status, stop, or stop --delete-data");
}

main(process.argv[2], process.argv[3]).catch((error: unknown) => {
  console.error(error instanceof LocalError ? error.message : error);
  process.exitCode = 1;
});
