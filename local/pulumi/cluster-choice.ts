import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { LocalError } from "../tools/run";
import { currentContext, kubeconfigFiles, readAuthority } from "./kubeconfig";

/** Which Kubernetes a stack is deployed to. */
export type Cluster = EmbeddedCluster | CurrentCluster;

/** The single node that the local commands start. */
export interface EmbeddedCluster {
  kind: "embedded";
  kubeconfig: string;
}

/** The user's own, as kubectl or the stack's `kubernetes:` settings choose it. */
export interface CurrentCluster {
  kind: "current";
  context: string;
  server: string;
  /** The file to use, where the stack names one; else kubectl's own. */
  kubeconfig: string | undefined;
}

export interface ClusterQuestion {
  /** `--cluster`. */
  option?: string | undefined;
  /** The stack's own `kubernetes:kubeconfig` and `kubernetes:context`. */
  stack: { kubeconfig?: string | undefined; context?: string | undefined };
  /** Kubeconfig of the embedded node. */
  embedded: string;
  environment?: NodeJS.ProcessEnv;
}

/** The choice and, for people, why it was made and how to make the other. */
export interface ClusterAnswer {
  cluster: Cluster;
  explanation: string;
}

/**
 * Chooses: `--cluster`, else KUBERNETES_POSTGRES_CLUSTER, else the stack's own `kubernetes:` settings, else kubectl's
 * current context, else the embedded node.
 * @throws LocalError when a choice was made that does not exist.
 */
export function chooseCluster({ option, stack, embedded, environment = process.env }: ClusterQuestion): ClusterAnswer {
  const variable = environment.KUBERNETES_POSTGRES_CLUSTER || undefined;
  const asked = option ?? variable;
  const by = option !== undefined ? `--cluster ${option}` : `KUBERNETES_POSTGRES_CLUSTER=${variable}`;
  if (asked !== undefined && asked !== "embedded" && asked !== "current") {
    throw new LocalError(
      `${by}: there is no such choice. Use "embedded" (a node on this machine) or "current" (kubectl's).`,
    );
  }
  if (stack.kubeconfig !== undefined && /[\n{]/.test(stack.kubeconfig)) {
    throw new LocalError(
      "kubernetes:kubeconfig of this stack holds a kubeconfig itself. The local commands need the path of a file: " +
        "write it to one and set its path, or use pulumi directly.",
    );
  }
  const files = stack.kubeconfig !== undefined ? [stack.kubeconfig] : kubeconfigFiles(environment);
  const found = currentContext(files, stack.context);
  // A shell in which the embedded node's kubeconfig is set for kubectl still means the embedded node.
  const pointsAtEmbedded = files.length === 1 && resolve(files[0] ?? "") === resolve(embedded);
  const named = stack.kubeconfig !== undefined ? "kubernetes:kubeconfig of this stack" : "KUBECONFIG";
  const isNamed = stack.kubeconfig !== undefined || Boolean(environment.KUBECONFIG);
  // A typo must not send a command to another cluster than the one that was meant.
  if (asked === undefined && isNamed && found === undefined && !pointsAtEmbedded) {
    const what = files.some((file) => existsSync(file)) ? "has no current context" : "is not there";
    throw new LocalError(
      `${named} names ${files.join(", ")}, which ${what}. Correct it or take it out, ` +
        "or use --cluster embedded, a node on this machine.",
    );
  }
  const other = "choose the other with --cluster or KUBERNETES_POSTGRES_CLUSTER";
  if (asked === "embedded" || (asked === undefined && (found === undefined || pointsAtEmbedded))) {
    const why = asked !== undefined ? by : pointsAtEmbedded ? "KUBECONFIG names it" : "no kubeconfig names another";
    return {
      cluster: { kind: "embedded", kubeconfig: embedded },
      explanation: `Cluster: the embedded node on this machine (${why}; use your own with --cluster current).`,
    };
  }
  if (found === undefined) {
    throw new LocalError(
      `${by}: no current context in ${files.join(", ")}. Set one (kubectl config use-context NAME), ` +
        "or use --cluster embedded, a node on this machine.",
    );
  }
  return {
    cluster: { kind: "current", context: found.context, server: found.server, kubeconfig: stack.kubeconfig },
    explanation: `Cluster: your own, context ${found.context} at ${found.server} (${found.source}; ${other} embedded).`,
  };
}

/**
 * A short name for folders. Of the user's own clusters the server counts, since contexts are renamed; of the embedded
 * node its certificate authority, so that a node made anew does not inherit what was on the old one.
 */
export function clusterKey(cluster: Cluster): string {
  const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);
  if (cluster.kind === "embedded") {
    const authority = readAuthority(cluster.kubeconfig);
    return authority === undefined ? "embedded" : `embedded-${short(authority)}`;
  }
  const digest = short(cluster.server);
  return `${cluster.context.replace(/[^A-Za-z0-9-]+/g, "-").slice(0, 40)}-${digest}`;
}

/** Arguments with which kubectl reaches it. */
export function kubectlArguments(cluster: Cluster): string[] {
  if (cluster.kind === "embedded") return ["--kubeconfig", cluster.kubeconfig];
  return [...(cluster.kubeconfig ? ["--kubeconfig", cluster.kubeconfig] : []), "--context", cluster.context];
}
