import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJson, textAt } from "../../tools/json";
import { LocalError, until } from "../../tools/run";

/** How to run kubectl against the chosen cluster. */
export interface Kubectl {
  path: string;
  /** Arguments that choose the cluster. */
  args: readonly string[];
}

/** What is asked of the API server. */
export interface KubernetesApi {
  /** An object or list; undefined where there is none. @throws LocalError for any other refusal. */
  get(path: string): Promise<unknown>;
  /** The end of a container's log; "" where there is none. */
  log(namespace: string, pod: string, container: string, previous: boolean): Promise<string>;
  /** Returns when the deletion has begun, or there was nothing to delete. @throws LocalError where it is refused. */
  remove(path: string): Promise<void>;
}

/**
 * Asks the API server through one `kubectl proxy` on a socket that only this user can open: every way of logging in
 * that kubectl knows works, and a question costs milliseconds instead of a process.
 */
export class Kubernetes implements KubernetesApi {
  private constructor(
    private readonly proxy: ChildProcess,
    private readonly folder: string,
  ) {}

  /** @throws LocalError with kubectl's own words when it does not start. */
  static async connect(kubectl: Kubectl): Promise<Kubernetes> {
    const folder = mkdtempSync(join(tmpdir(), "kubectl-"));
    const socket = join(folder, "api");
    const child = spawn(kubectl.path, [...kubectl.args, "proxy", `--unix-socket=${socket}`], {
      // Its own process group: Ctrl-C in the terminal must not take away the view of the pods.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let words = "";
    child.stderr.on("data", (chunk: Buffer) => {
      words += chunk.toString();
    });
    let ended = false;
    const end = (error?: Error): void => {
      ended = true;
      words ||= error?.message ?? "";
    };
    child.on("error", end);
    child.on("exit", () => end());
    const kubernetes = new Kubernetes(child, folder);
    const kill = (): void => kubernetes.close();
    process.once("exit", kill);
    child.on("exit", () => process.off("exit", kill));
    if ((await until(() => ended || existsSync(socket), 10_000, 20)) && !ended) return kubernetes;
    kubernetes.close();
    throw new LocalError(`kubectl cannot reach the cluster: ${words.trim() || "no answer within 10 s"}`);
  }

  /** The process of `kubectl proxy`. */
  get pid(): number | undefined {
    return this.proxy.pid;
  }

  close(): void {
    this.proxy.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async get(path: string): Promise<unknown> {
    const { status, text } = await this.call("GET", path);
    if (status === 404) return undefined;
    // The proxy's own answer when it finds nobody to pass the question to.
    if (status === 502)
      throw new LocalError(
        `The cluster does not answer: ${text.trim()}\nCheck the server of the kubeconfig's context.`,
      );
    const body = status === 200 ? parseJson(text) : undefined;
    if (body === undefined) throw new LocalError(`Kubernetes refused GET ${path}: ${refusal(text, status)}`);
    return body;
  }

  async log(namespace: string, pod: string, container: string, previous: boolean): Promise<string> {
    const query = `container=${container}&tailLines=12&previous=${previous}`;
    const { status, text } = await this.call("GET", `/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`);
    return status === 200 ? text.trimEnd() : "";
  }

  async remove(path: string): Promise<void> {
    const { status, text } = await this.call("DELETE", path);
    if ((status < 200 || status > 299) && status !== 404)
      throw new LocalError(`Kubernetes refused DELETE ${path}: ${refusal(text, status)}`);
  }

  private call(method: string, path: string): Promise<{ status: number; text: string }> {
    const socketPath = join(this.folder, "api");
    return new Promise((resolve, reject) => {
      const sent = request(
        { socketPath, path, method, headers: { host: "localhost" }, timeout: 10_000, agent: false },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("error", reject);
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      sent.on("timeout", () => sent.destroy(new Error("no answer within 10 s")));
      sent.on("error", (error) => reject(new LocalError(`The cluster does not answer: ${error.message}`)));
      sent.end();
    });
  }
}

function refusal(text: string, status: number): string {
  try {
    return textAt(parseJson(text), "message") ?? `status ${status}`;
  } catch {
    return text.trim().slice(0, 200) || `status ${status}`;
  }
}
