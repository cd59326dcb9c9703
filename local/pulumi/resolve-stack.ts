import { cpus, totalmem } from "node:os";
import { type ClusterSpec, clusterSpec } from "../../components/postgres/spec";
import { SettingsError } from "../../components/settings-error";
import { parseSettings } from "../../stacks/settings";
import { paths as nodePaths } from "../node/settings";
import { textAt } from "../tools/json";
import { type Cluster, chooseCluster } from "./cluster-choice";
import { embeddedSettings } from "./embedded-settings";
import {
  rawSettings,
  readStackFile,
  type SettingChanges,
  type StackConfig,
  type StackFile,
  withSettings,
} from "./stack-file";

export interface StackChoice {
  /** Name of the stack, e.g. `dev`. */
  stack: string;
  /** `embedded` or `current`; default: see {@link chooseCluster}. */
  cluster?: string | undefined;
  /** Settings on top of the stack's file, by their short names; `undefined` removes one. */
  settings?: SettingChanges;
  /** Takes the place of `Pulumi.<stack>.yaml`. */
  file?: StackFile;
  /** Default: the process's. */
  environment?: NodeJS.ProcessEnv;
}

/** A stack whose settings are valid, with everything decided that follows from them. Nothing exists yet. */
export interface ResolvedStack {
  stack: string;
  cluster: Cluster;
  /** The configuration the program runs with. */
  config: StackConfig;
  encryptionsalt: string | undefined;
  spec: ClusterSpec;
  /** Which cluster and why, and what differs on it from the stack's file; for people. */
  explanations: string[];
}

/**
 * Reads a stack's settings, chooses the cluster, applies what the embedded node needs, and validates the result with
 * the program's own rules.
 * @throws SettingsError with all problems, LocalError for a stack or cluster that is not there.
 */
export function resolveStack({ stack, cluster: option, settings = {}, file, environment }: StackChoice): ResolvedStack {
  const { config: fromFile, encryptionsalt } = file ?? readStackFile(stack);
  const asked = withSettings(fromFile, settings);
  const { cluster, explanation } = chooseCluster({
    option,
    stack: { kubeconfig: textAt(asked, "kubernetes:kubeconfig"), context: textAt(asked, "kubernetes:context") },
    embedded: nodePaths().kubeconfig,
    ...(environment && { environment }),
  });
  const { args, problems } = parseSettings(rawSettings(asked));
  if (cluster.kind === "current") {
    if (problems.length > 0) throw new SettingsError(problems);
    return { stack, cluster, config: asked, encryptionsalt, spec: clusterSpec(args), explanations: [explanation] };
  }
  const machine = { cores: cpus().length, memoryBytes: totalmem() };
  const { changes, lines } = embeddedSettings(args, cluster.kubeconfig, machine);
  const config = withSettings(asked, changes);
  const effective = parseSettings(rawSettings(config));
  // What is wrong with a setting that the node overrides is wrong all the same: the stack is to run elsewhere too.
  const named = new Set(problems.map(({ setting }) => setting));
  const all = [...problems, ...effective.problems.filter(({ setting }) => !named.has(setting))];
  if (all.length > 0) throw new SettingsError(all);
  const explanations = [explanation, ...lines.map((line) => `  on it ${line}`)];
  const backend = (environment ?? process.env).PULUMI_BACKEND_URL;
  if (backend) explanations.push("  its state is kept on this machine, not in PULUMI_BACKEND_URL");
  return { stack, cluster, config, encryptionsalt, spec: clusterSpec(effective.args), explanations };
}
