import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { runOrThrow } from "../../../local/tools/run";
import { psycopg2 } from "../client";
import { eventually } from "../kubernetes";
import { TestStack } from "../stack";
import { hurt, longTries } from "./fault";
import { OwnCluster } from "./own-cluster";
import { podProcesses, signal } from "./processes";

describe("a cluster that loses a volume while a client writes", function () {
  this.timeout(`${6 + 2 * longTries} minutes`);
  let cluster: OwnCluster;

  before(async () => {
    // Each commit is on a replica before it is acknowledged, so not even the loss of the primary's disk loses one.
    const stack = await TestStack.create("volume-lost", { replicas: 3, synchronousReplicas: "1" });
    cluster = new OwnCluster(stack);
    await stack.up();
  });
  after(() => cluster.stack.remove());

  it("clones a replica whose volume is lost", () =>
    hurt(cluster, {
      title: "replica's volume lost",
      tries: longTries,
      most: 5,
      provoke: () => loseVolume(cluster.stack, "postgres-1"),
    }));

  it("refuses an empty database for a primary whose volume is lost; recoverPrimaryFrom builds it from a replica", () =>
    hurt(cluster, {
      title: "primary's volume lost, recovered as the refusal says",
      tries: longTries,
      most: 180,
      provoke: async ({ stack, namespace }) => {
        await loseVolume(stack, "postgres-0");
        const words = await eventually(
          "the refusal",
          async () => {
            const log = await namespace.kubectl("logs", "postgres-0");
            return log.includes("set recoverPrimaryFrom") ? log : undefined;
          },
          120,
        );
        expect(words).to.match(/volume of postgres-0 is empty[\s\S]*most advanced replica is postgres-[12]/);
        const recoverPrimaryFrom = /set recoverPrimaryFrom to (\d)/.exec(words)?.[1] ?? "";
        await stack.up({ recoverPrimaryFrom });
        // Or the next loss would be recovered without a refusal.
        await stack.up();
      },
    }));
});

/** The disk is gone at once: all processes, the claim and what it held. */
async function loseVolume(stack: TestStack, pod: string): Promise<void> {
  const { namespace } = stack;
  const { metadata } = await namespace.pod(pod);
  const claim = (await namespace.claims())[`data-${pod}`]?.uid ?? "";
  const name = await namespace.kubectl("get", "pvc", `data-${pod}`, "-o", "jsonpath={.spec.volumeName}");
  await namespace.kubectl("delete", "pvc", `data-${pod}`, "--wait=false");
  signal(podProcesses(metadata.uid), "SIGKILL");
  const folder = (await stack.volumeFolders()).find((path) => path.endsWith(`/${name}`)) ?? "";
  for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true, force: true });
  await namespace.kubectl("delete", "pod", pod, "--force", "--grace-period=0");
  await eventually("the release of the volume", async () => {
    const { items } = await namespace.json<{
      items: { spec: { claimRef?: { uid?: string } }; status: { phase: string } }[];
    }>("get", "persistentvolumes");
    const bound = items.some(({ spec, status }) => spec.claimRef?.uid === claim && status.phase === "Bound");
    return bound ? undefined : true;
  });
  await stack.provideVolumes();
}

describe("a cluster whose volume gets full while a client writes", function () {
  this.timeout("5 minutes");

  /** One pod on a small file system of its own; it is in memory, which counts against the pod's limit. */
  async function onSmallVolume(megabytes: number, test: (cluster: OwnCluster) => Promise<void>): Promise<void> {
    const stack = await TestStack.create("full", {
      replicas: 1,
      storageSize: "1Gi",
      resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "1", memory: "2Gi" } },
    });
    try {
      await stack.provideVolumes();
      const [folder = ""] = await stack.volumeFolders();
      await runOrThrow("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,uid=999,gid=999,mode=2770`, "tmpfs", folder]);
      try {
        await stack.up();
        await test(new OwnCluster(stack));
      } finally {
        await stack
          .down()
          .finally(() => eventually("the end of the volume's use", () => runOrThrow("umount", [folder])));
      }
    } finally {
      await stack.remove();
    }
  }

  const fill = "insert into filler select repeat(md5(random()::text), 30) from generate_series(1, 8000); select 1";

  /** Runs SQL again and again until the pod says that its volume is full. */
  async function until(words: string, cluster: OwnCluster, sql: string): Promise<void> {
    const { dns, namespace } = cluster;
    await psycopg2(dns, cluster.connect(), "create table if not exists filler (x text); select 1");
    await eventually(
      words,
      async () => {
        await psycopg2(dns, cluster.connect(), sql).catch(() => undefined);
        return (await namespace.kubectl("logs", "postgres-0")).includes(words) ? true : undefined;
      },
      120,
    );
  }

  it("goes on by itself when it was full of WAL that is kept for a replica which is gone", () =>
    // Less than max_slot_wal_keep_size and the rest together: a volume that is smaller than it says.
    onSmallVolume(200, (cluster) =>
      hurt(cluster, {
        title: "volume full by WAL",
        tries: 1,
        stopsWrites: true,
        most: 60,
        provoke: async (subject) => {
          const slot = "select pg_create_physical_replication_slot('replica_2', true)";
          await subject.namespace.superuser("postgres-0", slot);
          await until("the volume is full", subject, fill.replace("select 1", "truncate filler; select 1"));
          await eventually("room again", async () =>
            (await subject.namespace.kubectl("logs", "postgres-0")).includes("the volume has room again")
              ? true
              : undefined,
          );
          return Date.now();
        },
      }),
    ));

  it("only reads when it is full of data, and writes again by itself once some was deleted", () =>
    onSmallVolume(300, (cluster) =>
      hurt(cluster, {
        title: "volume full by data, then some deleted",
        tries: 1,
        stopsWrites: true,
        most: 30,
        provoke: async (subject) => {
          const { dns, namespace } = subject;
          await until("the volume is full", subject, fill);
          await eventually("read-only", async () => {
            const refused = await psycopg2(dns, subject.connect(), fill).catch((error: Error) => error.message);
            return `${refused}`.includes("read-only transaction") ? true : undefined;
          });
          await namespace.psql("postgres-0", "begin read write; drop table filler; commit");
          return Date.now();
        },
      }),
    ));
});
