import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { listAt, textAt } from "../tools/json";

/** What kubectl would talk to by itself. */
export interface CurrentContext {
  context: string;
  /** URL of the API server, or "unknown". */
  server: string;
  /** Where it was found, for people. */
  source: string;
}

/** The files kubectl reads: KUBECONFIG's, or `~/.kube/config`. */
export function kubeconfigFiles(environment: NodeJS.ProcessEnv = process.env): string[] {
  const chosen = (environment.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  return chosen.length > 0 ? chosen : [join(environment.HOME ?? homedir(), ".kube", "config")];
}

/**
 * The context that kubectl would use, or `wanted` where one is asked for. Files are merged kubectl's way: the first
 * one to say something counts (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
 */
export function currentContext(files: readonly string[], wanted?: string): CurrentContext | undefined {
  const configs = files.filter((file) => existsSync(file)).map((file) => readKubeconfig(file));
  const context = wanted ?? configs.map((config) => textAt(config, "current-context")).find((name) => name);
  if (context === undefined) return undefined;
  const named = (list: string, name: string | undefined): unknown =>
    configs.flatMap((config) => listAt(config, list)).find((entry) => textAt(entry, "name") === name);
  const cluster = textAt(named("contexts", context), "context", "cluster");
  const server = textAt(named("clusters", cluster), "cluster", "server");
  return { context, server: server ?? "unknown", source: files.join(delimiter) };
}

function readKubeconfig(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch {
    // kubectl itself will say what is wrong with it.
    return undefined;
  }
}

/** The certificate authority of a kubeconfig's first cluster; undefined where there is no such file. */
export function readAuthority(file: string): string | undefined {
  const config = existsSync(file) ? readKubeconfig(file) : undefined;
  return textAt(listAt(config, "clusters")[0], "cluster", "certificate-authority-data");
}
