import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where everything lives that the embedded default builds and keeps, outside the checkout so that clones share it.
 * KUBERNETES_POSTGRES_HOME; default `$XDG_DATA_HOME/kubernetes-postgres`, that is `~/.local/share/kubernetes-postgres`.
 */
export function home(): string {
  const chosen = process.env.KUBERNETES_POSTGRES_HOME;
  if (chosen !== undefined && chosen !== "") return chosen;
  const data = process.env.XDG_DATA_HOME;
  return join(data !== undefined && data !== "" ? data : join(homedir(), ".local", "share"), "kubernetes-postgres");
}

/** Built programs and images; can be deleted, costs the next start the time to build them. */
export const toolsHome = (): string => join(home(), "tools");

/** The node's state: database of the API server, certificates, volumes, logs. */
export const nodeHome = (): string => join(home(), "node");
