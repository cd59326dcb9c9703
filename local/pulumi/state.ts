import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { at, listAt, parseJson, textAt } from "../tools/json";
import { nameOfUrn, pendingOperations, withoutPendingOperations } from "./checkpoint";
import { type DeployedState, readState } from "./deployed-state";
import { takeOver, type Workspace } from "./workspace";

/** Runs the engine's own command on the stack, without the program. */
function command({ stack, engine, paths }: Workspace, ...args: string[]): Promise<{ stdout: string }> {
  const environment = { ...stack.workspace.envVars, PULUMI_HOME: paths.pulumiHome };
  return engine.run([...args, "--stack", stack.name], paths.work, environment);
}

/**
 * Lets a stack whose last engine was killed continue: forgets what that engine had begun, and says so. The state passes
 * through a file with its secrets encrypted.
 */
export async function healState(workspace: Workspace, say: (line: string) => void): Promise<void> {
  const { checkpoint } = workspace.paths;
  const known = workspace.ownBackend && existsSync(checkpoint) ? readFileSync(checkpoint, "utf8") : undefined;
  if (workspace.ownBackend && (known === undefined || pendingOperations(known).length === 0)) return;
  const folder = mkdtempSync(join(tmpdir(), "state-"));
  const file = join(folder, "state.json");
  try {
    await command(workspace, "stack", "export", "--file", file);
    const state = parseJson(readFileSync(file, "utf8"));
    const { deployment, removed } = withoutPendingOperations(at(state, "deployment"));
    if (removed.length === 0) return;
    writeFileSync(file, JSON.stringify({ version: at(state, "version"), deployment }));
    await command(workspace, "stack", "import", "--file", file);
    // What was begun may exist, made by an engine whose name for itself is lost with it.
    Object.assign(workspace.stack.workspace.envVars, takeOver);
    for (const { type, urn } of removed) say(`  ${nameOfUrn(urn)}: ${type} was interrupted; doing it again.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the last deployment left; from our own backend's file where that is possible: asking the engine takes a second. */
export async function deployedState(workspace: Workspace): Promise<DeployedState | undefined> {
  const { checkpoint } = workspace.paths;
  if (!workspace.ownBackend) return readState((await command(workspace, "stack", "export")).stdout);
  return existsSync(checkpoint) ? readState(readFileSync(checkpoint, "utf8")) : undefined;
}

/** Names of the resources that Pulumi refuses to delete. */
export async function protectedResources(workspace: Workspace): Promise<string[]> {
  const { stdout } = await command(workspace, "stack", "export");
  const resources = listAt(parseJson(stdout), "deployment", "resources");
  return resources
    .filter((resource) => at(resource, "protect") === true)
    .map((resource) => nameOfUrn(textAt(resource, "urn") ?? ""));
}
