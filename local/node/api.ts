import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { parseJson, textAt } from "../tools/json";
import { LocalError } from "../tools/run";
import { apiPort, type Network, type Paths } from "./settings";

/** An answer of the API server. `body` is the parsed JSON, or the text where it is none. */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** Calls the node's API server as administrator. */
export interface Api {
  /** Any answer; rejects when there is no connection. */
  call(method: string, path: string, body?: object, contentType?: string): Promise<ApiAnswer>;
  /** As `call`; an answer of 400 and above is an error, 404 of a GET or DELETE is undefined. */
  get(path: string): Promise<unknown>;
  remove(path: string): Promise<void>;
  /** Creates or updates by server-side apply. */
  apply(path: string, object: object): Promise<unknown>;
  mergePatch(path: string, patch: object): Promise<unknown>;
}

const timeoutMs = 10_000;

/** The certificates are read once; the server need not run yet. */
export function adminApi(paths: Paths, network: Network): Api {
  const file = (name: string): Buffer => readFileSync(join(paths.certificates, name));
  const identity = { ca: file("ca.crt"), cert: file("admin.crt"), key: file("admin.key") };

  const call = (method: string, path: string, body?: object, contentType = "application/json"): Promise<ApiAnswer> =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": contentType };
      const options = { ...identity, host: network.address, port: apiPort, method, path, headers, timeout: timeoutMs };
      const sent = request({ ...options, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: jsonOrText(text) }));
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const demand = async (method: string, path: string, body?: object, contentType?: string): Promise<unknown> => {
    const answer = await call(method, path, body, contentType);
    if (answer.status === 404 && (method === "GET" || method === "DELETE")) return undefined;
    if (answer.status < 400) return answer.body;
    throw new LocalError(`Kubernetes refused ${method} ${path}: ${textAt(answer.body, "message") ?? answer.status}`);
  };

  return {
    call,
    get: (path) => demand("GET", path),
    remove: async (path) => {
      await demand("DELETE", path);
    },
    apply: (path, object) =>
      demand(
        "PATCH",
        `${path}?fieldManager=kubernetes-postgres-node&force=true`,
        object,
        "application/apply-patch+yaml",
      ),
    mergePatch: (path, patch) => demand("PATCH", path, patch, "application/merge-patch+json"),
  };
}

function jsonOrText(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
