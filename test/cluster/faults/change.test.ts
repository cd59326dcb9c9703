import type { ChildProcess } from "node:child_process";
import { expect } from "chai";
import { clientProcess } from "../client";
import { eventually } from "../kubernetes";
import { TestStack } from "../stack";
import { fewTries, hurt } from "./fault";
import { OwnCluster } from "./own-cluster";

// Holds a session open; each line of input is a question to it.
const session = `
import json, sys, psycopg2
connection = psycopg2.connect(**json.loads(sys.stdin.readline()))
connection.autocommit = True
cursor = connection.cursor()
print("open", flush=True)
for line in sys.stdin:
    cursor.execute("select pg_backend_pid()")
    print("answered", flush=True)
`;

/** Gives a function that waits until the primary's log has these words once more than now. */
async function logged({ namespace }: TestStack, words: string): Promise<() => Promise<true>> {
  const count = async (): Promise<number> => (await namespace.kubectl("logs", "postgres-0")).split(words).length;
  const before = await count();
  return () => eventually(`${words} in the log`, async () => ((await count()) > before ? true : undefined), 120);
}

describe("a cluster that is changed while a client writes", function () {
  this.timeout(`${6 + 2 * fewTries} minutes`);
  let cluster: OwnCluster;
  let generation = 1;

  before(async () => {
    const stack = await TestStack.create("change", { replicas: 3 });
    cluster = new OwnCluster(stack);
    await stack.up();
  });
  after(() => cluster.stack.remove());
  const sessions: ChildProcess[] = [];
  afterEach(() => {
    for (const open of sessions.splice(0)) open.kill();
  });

  it("takes new passwords without a restart; a session that is open stays open", async () => {
    const uids = async () => (await cluster.namespace.pods()).map(({ metadata }) => metadata.uid);
    const before = await uids();
    const open = clientProcess(cluster.dns, session);
    sessions.push(open);
    let said = "";
    open.stdout.on("data", (chunk) => {
      said += chunk;
    });
    open.stdin.write(`${JSON.stringify(cluster.connect())}\n`);
    await eventually("the open session", async () => (said.includes("open") ? true : undefined));
    await hurt(cluster, {
      title: "passwords renewed",
      tries: fewTries,
      most: 10,
      provoke: async ({ stack, namespace }, ledger) => {
        const old = stack.password();
        generation += 1;
        const deployed = stack.up({ passwordGeneration: generation });
        // Its failure is told below, also when it comes while the Secret is still waited for.
        deployed.catch(() => undefined);
        try {
          // As an app whose Secret is mounted.
          const password = await eventually("the new Secret", async () => {
            const path = "jsonpath={.data.POSTGRES_PASSWORD}";
            const now = await namespace.kubectl("get", "secret", "postgres-secret", "-o", path);
            const text = Buffer.from(now, "base64").toString();
            return text === old ? undefined : text;
          });
          const { host } = stack.outputs.primary;
          ledger.use({ host, database: "myapp", user: "appuser", password });
        } finally {
          await deployed;
        }
      },
    });
    open.stdin.write("\n");
    await eventually("an answer in the old session", async () => (said.includes("answered") ? true : undefined));
    expect(await uids()).to.deep.equal(before);
  });

  it("is scaled down and up again", () =>
    hurt(cluster, {
      title: "scaled 3 to 2 to 3",
      tries: fewTries,
      most: 2,
      provoke: async ({ stack }) => {
        await stack.up({ passwordGeneration: generation, replicas: 2 });
        await stack.up({ passwordGeneration: generation, replicas: 3 });
      },
    }));

  it("has its connections lowered and raised: a standby never has fewer than the primary's WAL asks for", () =>
    hurt(cluster, {
      title: "max_connections lowered, then raised",
      tries: fewTries,
      most: 10,
      provoke: async ({ stack, namespace }) => {
        for (const max_connections of ["30", "60"]) {
          await stack.up({ passwordGeneration: generation, parameters: { max_connections } });
          expect(await namespace.superuser("postgres-0", "show max_connections")).to.equal(max_connections);
        }
        const paused = "select pg_get_wal_replay_pause_state()";
        for (const pod of ["postgres-1", "postgres-2"]) {
          expect(await namespace.superuser(pod, paused)).to.equal("not paused");
        }
      },
    }));

  it("keeps the last valid settings when it is given ones that only the server can judge, also through a crash", () =>
    hurt(cluster, {
      title: "settings made invalid, then a crash",
      tries: fewTries,
      most: 10,
      provoke: async (subject) => {
        const { stack, namespace } = subject;
        const zone = await namespace.superuser("postgres-0", "show timezone");
        const refused = await logged(stack, '"Mars/Phobos"');
        await stack.up({ passwordGeneration: generation, parameters: { timezone: "Mars/Phobos" } });
        await refused();
        await subject.killPostmaster();
        await eventually("the server", async () =>
          (await namespace.superuser("postgres-0", "show timezone")) === zone ? true : undefined,
        );
        // The pod has to see the valid ones before it can be given the others again.
        const reloaded = await logged(stack, "the configuration changed");
        await stack.up({ passwordGeneration: generation });
        await reloaded();
      },
    }));
});
