import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** What a test reads of a pod. */
export interface Pod {
  metadata: { name: string; uid: string; creationTimestamp: string; deletionTimestamp?: string };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
  };
}

/**
 * Waits until `probe` gives a value, asking four times a second; a probe has to end by itself.
 * @throws Error naming `what` after `seconds`.
 */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last = "";
  while (Date.now() < end) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = `: ${error instanceof Error ? error.message : error}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${what} did not happen within ${seconds} s${last}`);
}

/** A StorageClass of the embedded node's volumes. */
export const localClass = (name: string): object => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
});

/** kubectl on one namespace of the embedded node. */
export class Namespace {
  constructor(
    readonly name: string,
    private readonly kubectlPath: string,
    private readonly kubeconfig: string,
  ) {}

  /** Another one of the same node. */
  beside(name: string): Namespace {
    return new Namespace(name, this.kubectlPath, this.kubeconfig);
  }

  /**
   * Runs kubectl and returns what it prints.
   * @throws Error with kubectl's own words, or when it has not ended within a minute; a deletion may take five.
   */
  kubectl(...args: string[]): Promise<string> {
    return this.run(args);
  }

  /** As {@link kubectl}, with something on its standard input: what it says is in no list of processes. */
  pipe(input: string, ...args: string[]): Promise<string> {
    return this.run(args, input);
  }

  private async run(args: string[], input = ""): Promise<string> {
    const seconds = args[0] === "delete" || args[0] === "rollout" ? 300 : 60;
    const running = execute(this.kubectlPath, ["--kubeconfig", this.kubeconfig, "-n", this.name, ...args], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: seconds * 1000,
      killSignal: "SIGKILL",
    });
    running.child.stdin?.end(input);
    try {
      return (await running).stdout;
    } catch (error) {
      if (!running.child.killed) throw error;
      throw new Error(`kubectl ${args.slice(0, 3).join(" ")} did not end within ${seconds} s`);
    }
  }

  /** Deletes the namespace with all that is in it. Its end takes ten seconds, to be waited for where the name is used again. */
  async remove({ wait = true } = {}): Promise<void> {
    await this.kubectl("delete", "namespace", this.name, "--ignore-not-found", `--wait=${wait}`);
  }

  /** Resolves when it is gone. */
  async gone(): Promise<void> {
    await this.kubectl("wait", "--for=delete", `namespace/${this.name}`, "--timeout=50s");
  }

  /** A bash script in a pod, given on standard input, so that what is secret in it is in no list of arguments. */
  bash(pod: string, script: string): Promise<string> {
    return this.run(["exec", "-i", pod, "--", "bash", "-s"], script);
  }

  private async send(object: object, ...args: string[]): Promise<void> {
    await this.run([...args, "-f", "-"], JSON.stringify(object));
  }

  /** Creates or changes objects; those without a namespace are this one's. */
  apply(...objects: object[]): Promise<void> {
    return this.send({ apiVersion: "v1", kind: "List", items: objects }, "apply");
  }

  /** Applies an object on the server as Pulumi does: a manager of its own, who takes over fields of others. */
  applyAs(manager: string, object: object): Promise<void> {
    return this.send(object, "apply", "--server-side", "--force-conflicts", `--field-manager=${manager}`);
  }

  /** Has the API server judge a new object, and makes nothing. @throws Error with its refusal, and where it only warns. */
  tryCreate(object: object): Promise<void> {
    return this.send(object, "create", "--dry-run=server", "--warnings-as-errors");
  }

  /** Asks for a pod to leave its node, as a drain does. @throws Error when a PodDisruptionBudget does not allow it. */
  evict(pod: string): Promise<void> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod, namespace: this.name } };
    return this.send(eviction, "create", "--raw", `/api/v1/namespaces/${this.name}/pods/${pod}/eviction`);
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, "-o", "json"));
  }

  /** SQL in a pod, by the pod's own socket; rows are lines, columns are separated by "|". */
  psql(pod: string, sql: string, login: { user: string; database: string } = { user: "appuser", database: "myapp" }) {
    const psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", login.user, "-d", login.database, "-c", sql];
    return this.kubectl("exec", pod, "--", ...psql).then((out) => out.trim());
  }

  superuser(pod: string, sql: string): Promise<string> {
    return this.psql(pod, sql, { user: "postgres", database: "postgres" });
  }

  pod(name: string): Promise<Pod> {
    return this.json<Pod>("get", "pod", name);
  }

  async pods(): Promise<Pod[]> {
    const { items } = await this.json<{ items: Pod[] }>("get", "pods", "-l", "app=postgres");
    return items;
  }

  /** Waits until a pod other than the one with this uid has its name and is Ready. */
  async replaced(name: string, uid: string): Promise<void> {
    await eventually(
      `another ${name}`,
      async () => {
        const pod = await this.pod(name);
        return pod.metadata.uid !== uid && !Number.isNaN(conditionTime(pod, "Ready")) ? true : undefined;
      },
      120,
    );
  }

  /** Deletes a pod, and waits until the one made in its place is Ready. */
  async replace(name: string): Promise<void> {
    const { uid } = (await this.pod(name)).metadata;
    await this.kubectl("delete", "pod", name);
    await this.replaced(name, uid);
  }

  /** Waits until the StatefulSet's controller has seen the last change, and all pods are Ready and of the newest revision. */
  async rolledOut(): Promise<void> {
    await this.kubectl("rollout", "status", "statefulset/postgres");
  }

  async claims(): Promise<Record<string, { uid: string; size: string; storageClass: string; phase: string }>> {
    const { items } = await this.json<{
      items: {
        metadata: { name: string; uid: string };
        spec: { storageClassName: string; resources: { requests: { storage: string } } };
        status: { phase: string };
      }[];
    }>("get", "pvc");
    return Object.fromEntries(
      items.map(({ metadata, spec, status }) => [
        metadata.name,
        {
          uid: metadata.uid,
          size: spec.resources.requests.storage,
          storageClass: spec.storageClassName,
          phase: status.phase,
        },
      ]),
    );
  }

  /** A changed pod is looked at anew at once; kubelet would otherwise bring its mounted files up to date within a minute. */
  async refreshFiles(selector: string): Promise<void> {
    await this.kubectl("annotate", "pods", "-l", selector, `refreshed=${Date.now()}`, "--overwrite");
  }

  /** Replicas that stream from the primary now. */
  async streaming(): Promise<string[]> {
    const rows = await this.superuser(
      "postgres-0",
      "select application_name from pg_stat_replication where state = 'streaming' order by 1",
    );
    return rows === "" ? [] : rows.split("\n");
  }

  /** Waits until these replicas, and only these, stream. */
  allStreaming(...replicas: string[]): Promise<true> {
    return eventually(`streaming of ${replicas.join(" and ")}`, async () =>
      (await this.streaming()).join() === replicas.join() ? true : undefined,
    );
  }

  /** Names of pods in the order in which they vanish, from now until `stop` is called. */
  watchDeletions(): { stop: () => Promise<string[]> } {
    const args = ["--kubeconfig", this.kubeconfig, "-n", this.name, "get", "pods", "-l", "app=postgres"];
    const child = spawn(this.kubectlPath, [...args, "--watch", "--output-watch-events", "-o", "json"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    const closed = new Promise((resolve) => child.on("close", resolve));
    return {
      stop: async () => {
        child.kill();
        await closed;
        const deleted = /"type":\s*"DELETED"[\s\S]*?"name":\s*"(postgres-\d+)"/g;
        return [...text.matchAll(deleted)].map(([, pod]) => pod ?? "");
      },
    };
  }
}

/** When a pod's condition last became what it is. */
export function conditionTime(pod: Pod, type: string): number {
  const condition = pod.status.conditions?.find((one) => one.type === type && one.status === "True");
  return condition ? Date.parse(condition.lastTransitionTime) : Number.NaN;
}
