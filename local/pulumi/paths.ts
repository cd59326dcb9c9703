import { join } from "node:path";
import { home } from "../tools/home";

/** The repository: the folder of index.ts and of the stacks' settings. */
export const projectFolder = join(__dirname, "..", "..");

/** Name of the Pulumi project, which is also the namespace of its settings. */
export const projectName = "kubernetes-postgres";

/**
 * What the local commands keep for Pulumi, apart from the user's own Pulumi: plugins, state, passphrase, and a work
 * folder for each stack. KUBERNETES_POSTGRES_PULUMI; default `pulumi` in KUBERNETES_POSTGRES_HOME.
 */
export function pulumiFolder(): string {
  return process.env.KUBERNETES_POSTGRES_PULUMI || join(home(), "pulumi");
}

/** Files and folders of one stack on one cluster. */
export interface StackPaths {
  /** PULUMI_HOME of the engine. */
  pulumiHome: string;
  /** Folder of the file backend. */
  state: string;
  /** The stack's checkpoint in it. */
  checkpoint: string;
  /** Folder of the file backend's locks of the stack. */
  locks: string;
  /** Passphrase that encrypts secrets in the state; mode 0600. */
  passphrase: string;
  /** Work folder: Pulumi.yaml, the stack's effective settings, log, record of the run. */
  work: string;
  log: string;
  run: string;
}

/** @param cluster a short name of the Kubernetes cluster: one stack name on two clusters is two deployments. */
export function stackPaths(stack: string, cluster: string, folder = pulumiFolder()): StackPaths {
  const state = join(folder, "state", cluster);
  const work = join(folder, "stacks", cluster, stack);
  return {
    pulumiHome: join(folder, "home"),
    state,
    checkpoint: join(state, ".pulumi", "stacks", projectName, `${stack}.json`),
    locks: join(state, ".pulumi", "locks", "organization", projectName, stack),
    passphrase: join(folder, "passphrase"),
    work,
    log: join(work, "pulumi.log"),
    run: join(work, "run.json"),
  };
}
