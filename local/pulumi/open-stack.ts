import type { Kubectl } from "./pods/kubernetes";
import type { ResolvedStack } from "./resolve-stack";
import type { Workspace } from "./workspace";

/** Programs that a deployment needs. */
export interface DeployTools {
  /** Pulumi's CLI. */
  pulumi: string;
  /** The file `pulumi-resource-kubernetes`. */
  kubernetesProvider: string;
  /** Watches the pods and names what keeps them from becoming ready; without it only the engine's own words are had. */
  kubectl?: Kubectl | undefined;
}

/** A stack that can be previewed, deployed and destroyed from this process, one at a time. */
export interface OpenStack {
  resolved: ResolvedStack;
  workspace: Workspace;
  tools: DeployTools;
}

/** Who hears what happens, and how it is ended early. */
export interface Listener {
  /** Prints a line that stays. */
  say?: (line: string) => void;
  /** Shows what is being done at this moment. */
  note?: (text: string) => void;
  /** Ends the work in order: what is being made is finished or noted, the state is saved. */
  cancel?: AbortSignal;
  /** Ends the work at once. */
  kill?: AbortSignal;
}
