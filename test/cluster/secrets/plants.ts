import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths as nodePaths } from "../../../local/node/settings";
import { eventually } from "../kubernetes";
import { dumps } from "./crash";
import type { Life } from "./life";
import { descriptions, filesInPod, logFolders, logs, objects, openFiles } from "./places";
import { Sampling } from "./sampling";

/** Something secret where it must not be. */
interface Planted {
  /** The search of its place, which otherwise finds nothing. */
  find: () => Promise<string[]>;
  remove: () => unknown;
}

interface Plant {
  place: string;
  plant: (life: Life) => Promise<Planted>;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hex = (text: string): string => Buffer.from(text).toString("hex");

/** A file that stays until it is removed. */
function file(path: string, text: string, find: () => Promise<string[]>): Planted {
  writeFileSync(path, text);
  return { find, remove: () => rmSync(path) };
}

/** Something that is there for a moment only, while somebody looks. */
async function moment({ values, temporary }: Life, put: () => () => unknown): Promise<Planted> {
  let planted = true;
  const find = async (): Promise<string[]> => {
    const sampling = await Sampling.start(temporary);
    try {
      const take = planted ? put() : () => undefined;
      await sampling.looked().finally(take);
      return await sampling.found(values);
    } finally {
      sampling.stop();
    }
  };
  return {
    find,
    remove: () => {
      planted = false;
    },
  };
}

/** A process that waits for its end. */
function running(args: string[], environment: NodeJS.ProcessEnv = {}): () => Promise<unknown> {
  const child = spawn("sh", ["-c", "read -r line", "sh", ...args], { env: { ...process.env, ...environment } });
  const exited = once(child, "exit");
  return () => {
    child.kill();
    return exited;
  };
}

/** An object of Kubernetes, or a change of one. */
async function object(
  life: Life,
  planted: object,
  find: () => Promise<string[]>,
  ...removal: string[]
): Promise<Planted> {
  await life.namespace.apply(planted);
  return { find, remove: () => life.namespace.kubectl(...removal) };
}

/** One for each kind of place, and all forms together. */
export const plants: Plant[] = [
  {
    place: "in a file of the state",
    plant: async (life) =>
      file(join(life.line.folder, "state", "planted"), base64(`{"password":"${life.password}"}`), async () =>
        (await life.inState()).filter((hit) => !hit.endsWith("passphrase: passphrase (plain)")),
      ),
  },
  {
    place: "in a rendered manifest",
    plant: async (life) =>
      file(join(life.manifests(), "planted.yaml"), `password: ${life.password}`, () =>
        life.values.inFiles(life.manifests()),
      ),
  },
  {
    place: "in what a command prints, and in npm's log of it",
    plant: async (life) => {
      // A word that the command does not know, and says so.
      await life.run(2, "status", `--${life.password}`);
      const npm = join(life.temporary, "npm");
      return {
        find: async () => [...life.values.inAll(life.printed), ...(await life.values.inFiles(npm))],
        remove: () => {
          life.printed.pop();
          for (const log of readdirSync(npm)) rmSync(join(npm, log));
        },
      };
    },
  },
  {
    place: "in a ConfigMap",
    plant: (life) => {
      const metadata = { name: "planted" };
      const binaryData = { planted: base64(`password: ${life.password}`) };
      const find = async () => life.values.inAll(await objects(life.namespace));
      const map = { apiVersion: "v1", kind: "ConfigMap", metadata, binaryData };
      return object(life, map, find, "delete", "configmap", "planted");
    },
  },
  {
    place: "in an event",
    plant: (life) => {
      const { name: namespace } = life.namespace;
      const involvedObject = { apiVersion: "v1", kind: "Pod", name: "postgres-0", namespace };
      const message = `login with ${life.password} failed`;
      const event = { apiVersion: "v1", kind: "Event", metadata: { name: "planted" }, involvedObject, message };
      const find = async () => life.values.inAll(await objects(life.namespace));
      return object(life, event, find, "delete", "event", "planted");
    },
  },
  {
    place: "in an annotation of a pod, as described",
    plant: async (life) => {
      const metadata = { name: "postgres-1", annotations: { planted: hex(life.password) } };
      await life.namespace.applyAs("plant", { apiVersion: "v1", kind: "Pod", metadata });
      return {
        find: async () => life.values.inAll(await descriptions(life.namespace)),
        remove: () => life.namespace.kubectl("annotate", "pod", "postgres-1", "planted-"),
      };
    },
  },
  {
    place: "in the arguments of a process that lives for a moment",
    plant: (life) => moment(life, () => running([`--password=${life.password}`])),
  },
  {
    place: "in the environment of a process that lives for a moment",
    plant: (life) => moment(life, () => running([], { PGPASSWORD: life.password })),
  },
  {
    place: "in a temporary file that exists for a moment",
    plant: (life) =>
      moment(life, () => {
        const path = join(life.temporary, "planted.json");
        writeFileSync(path, JSON.stringify({ password: life.password }));
        return () => rmSync(path);
      }),
  },
  {
    place: "in a log of the node's servers",
    plant: async (life) =>
      file(join(nodePaths().logs, "planted.log"), `password ${life.password}`, () =>
        life.values.inFiles(nodePaths().logs),
      ),
  },
  {
    place: "on a volume",
    plant: async (life) => {
      const [volume = ""] = await life.volumes();
      return file(join(volume, "planted"), encodeURIComponent(life.password), async () =>
        (await life.onVolumes()).filter((hit) => !hit.includes("/tls.key: server's key of ")),
      );
    },
  },
  {
    place: "as a dump of memory on a volume",
    plant: async (life) => {
      const volumes = await life.volumes();
      return file(join(volumes[0] ?? "", "core.1"), "", () => dumps(life.namespace, "postgres-0", volumes));
    },
  },
  {
    place: "in a file of a pod that others can read",
    plant: async (life) => {
      const planted = "/tmp/planted";
      const write = ["exec", "-i", "postgres-1", "--", "sh", "-c", `umask 022 && cat >${planted}`];
      await life.namespace.pipe(life.password, ...write);
      return {
        find: async () =>
          openFiles(await filesInPod(life.namespace, "postgres-1", life.values.needles)).map(({ path }) => path),
        remove: () => life.namespace.kubectl("exec", "postgres-1", "--", "rm", planted),
      };
    },
  },
  {
    place: "in the log of a pod",
    plant: async (life) => {
      const { namespace, values, password } = life;
      await namespace.pipe(`${password}\n`, "exec", "-i", "postgres-1", "--", "sh", "-c", "cat >/proc/1/fd/1");
      const find = async () => [
        ...values.inAll(await logs(namespace)),
        ...(await values.inFiles(...logFolders(namespace))),
      ];
      await eventually("the line in both", async () => ((await find()).length > 1 ? true : undefined), 10);
      return {
        find,
        // The log goes with the pod.
        remove: async () => {
          const { uid } = (await namespace.pod("postgres-1")).metadata;
          await namespace.kubectl("delete", "pod", "postgres-1");
          await namespace.allStreaming("postgres-1");
          await eventually("the end of its log", async () =>
            logFolders(namespace).some((folder) => folder.endsWith(uid)) ? undefined : true,
          );
        },
      };
    },
  },
];
