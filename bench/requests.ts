import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import { parse } from "yaml";
import { textAt } from "../local/tools/json";

/** What was asked of the API server. */
export interface Requests {
  /** How many they are. */
  all: number;
  /** For example `GET /api/v1/namespaces/x/secrets/y`, in the order in which they came. */
  lines: string[];
}

/**
 * Stands between a client and the API server and notes what is asked. It takes the place of the server in a kubeconfig,
 * so it needs no certificate.
 */
export class RequestCounter {
  private lines: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly agent: Agent,
  ) {}

  /** @param kubeconfig of the API server; @param target where the kubeconfig for clients is written. */
  static async start(kubeconfig: string, target: string): Promise<RequestCounter> {
    const original: unknown = parse(readFileSync(kubeconfig, "utf8"));
    const address = textAt(original, "clusters", 0, "cluster", "server") ?? "";
    const agent = new Agent({ keepAlive: true, ...credentials(original) });
    const server = createServer((asked, answer) => counter.pass(address, asked, answer));
    const counter: RequestCounter = new RequestCounter(server, agent);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const port = typeof bound === "object" ? bound?.port : undefined;
    const cluster = { name: "counted", cluster: { server: `http://127.0.0.1:${port}` } };
    const context = { name: "counted", context: { cluster: "counted", user: "counted" } };
    const users = [{ name: "counted", user: {} }];
    const config = { clusters: [cluster], contexts: [context], users, "current-context": "counted" };
    writeFileSync(target, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
    return counter;
  }

  private pass(address: string, asked: IncomingMessage, answer: ServerResponse): void {
    this.lines.push(`${asked.method} ${asked.url}`);
    const options = { method: asked.method, headers: { ...asked.headers, host: new URL(address).host } };
    const passed = request(`${address}${asked.url}`, { ...options, agent: this.agent }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    // A watch ends when its client goes.
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  }

  /** What was asked since it was asked last. */
  take(): Requests {
    const lines = this.lines;
    this.lines = [];
    return { all: lines.length, lines };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }
}

function credentials(kubeconfig: unknown): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (data: string | undefined, file: string | undefined): Buffer =>
    data !== undefined ? Buffer.from(data, "base64") : readFileSync(file ?? "");
  const cluster = (key: string) => textAt(kubeconfig, "clusters", 0, "cluster", key);
  const user = (key: string) => textAt(kubeconfig, "users", 0, "user", key);
  return {
    ca: read(cluster("certificate-authority-data"), cluster("certificate-authority")),
    cert: read(user("client-certificate-data"), user("client-certificate")),
    key: read(user("client-key-data"), user("client-key")),
  };
}
