import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { LocalWorkspace, type PulumiFn, Stack } from "@pulumi/pulumi/automation";
import { parse } from "yaml";
import { textAt } from "../tools/json";
import { clusterKey } from "./cluster-choice";
import { EngineCommand, EngineError } from "./engine-command";
import { projectFolder, projectName, pulumiFolder, type StackPaths, stackPaths } from "./paths";
import { placePlugins } from "./plugins";
import type { ResolvedStack } from "./resolve-stack";

/** The program as Pulumi's own CLI starts it, evaluated anew each time. */
const program: PulumiFn = createRequire(__filename)(join(projectFolder, "start.cjs"));

/** A stack of the Automation API with the files it lives in. */
export interface Workspace {
  stack: Stack;
  engine: EngineCommand;
  paths: StackPaths;
  /** Whether the state lies in our own file backend. */
  ownBackend: boolean;
}

/** Lets the kubernetes provider take over objects that exist already, whoever applied them. */
export const takeOver = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };

/** Where the state goes. The embedded node's state belongs to this machine; a team's backend knows nothing of it. */
function backend(resolved: ResolvedStack, paths: StackPaths): { url: string; own: boolean } {
  const chosen = process.env.PULUMI_BACKEND_URL;
  if (resolved.cluster.kind === "current" && chosen) return { url: chosen, own: false };
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  return { url: `file://${paths.state}`, own: true };
}

/**
 * The passphrase reaches the engine as a file, never by its environment. Ours belongs to our backend; the user's is used
 * for the user's backend, and where the stack's own settings are encrypted with it.
 */
function secretsEnvironment(resolved: ResolvedStack, paths: StackPaths, ownBackend: boolean): Record<string, string> {
  const user = process.env.PULUMI_CONFIG_PASSPHRASE ?? process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (user !== undefined && (!ownBackend || resolved.encryptionsalt !== undefined)) return {};
  if (!existsSync(paths.passphrase)) {
    writeFileSync(paths.passphrase, randomBytes(32).toString("base64url"), { mode: 0o600, flag: "wx" });
  }
  return { PULUMI_CONFIG_PASSPHRASE_FILE: paths.passphrase };
}

/** Writes the effective settings into the stack's work folder; the user's own file is never touched. */
function writeSettings(resolved: ResolvedStack, paths: StackPaths): void {
  const file = join(paths.work, `Pulumi.${resolved.stack}.yaml`);
  // Made by the engine when it made the stack; without it, it would ask for a new passphrase.
  const salt = existsSync(file) ? textAt(parse(readFileSync(file, "utf8")), "encryptionsalt") : undefined;
  const encryptionsalt = resolved.encryptionsalt ?? salt;
  writeFileSync(file, JSON.stringify({ ...(encryptionsalt && { encryptionsalt }), config: resolved.config }, null, 2));
  writeFileSync(join(paths.work, "Pulumi.yaml"), JSON.stringify({ name: projectName, runtime: "nodejs" }));
}

/** Opens, or makes, the stack in a workspace of our own. Does not touch the cluster. */
export async function openWorkspace(
  resolved: ResolvedStack,
  tools: { pulumi: string; kubernetesProvider: string },
  folder = pulumiFolder(),
): Promise<Workspace> {
  const paths = stackPaths(resolved.stack, clusterKey(resolved.cluster), folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  mkdirSync(paths.work, { recursive: true, mode: 0o700 });
  const { url, own } = backend(resolved, paths);
  const environment = {
    ...secretsEnvironment(resolved, paths, own),
    PULUMI_BACKEND_URL: url,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Nobody but these stacks owns anything on the embedded node: what an earlier, forgotten state made is taken over.
    ...(resolved.cluster.kind === "embedded" && takeOver),
    // A login of the user's own backend is found where the user's Pulumi keeps it.
    ...(!own && { PULUMI_CREDENTIALS_PATH: process.env.PULUMI_HOME ?? join(process.env.HOME ?? "", ".pulumi") }),
  };
  writeSettings(resolved, paths);
  const [engine] = await Promise.all([
    EngineCommand.at(tools.pulumi, paths.log),
    placePlugins(paths.pulumiHome, tools),
  ]);
  const workspace = await LocalWorkspace.create({
    workDir: paths.work,
    pulumiHome: paths.pulumiHome,
    pulumiCommand: engine,
    program,
    envVars: environment,
  });
  return { stack: await selectOrCreate(resolved.stack, workspace), engine, paths, ownBackend: own };
}

async function selectOrCreate(name: string, workspace: LocalWorkspace): Promise<Stack> {
  try {
    return await Stack.select(name, workspace);
  } catch (error) {
    if (error instanceof EngineError && /no stack named/.test(error.stderr)) return Stack.create(name, workspace);
    throw error;
  }
}
