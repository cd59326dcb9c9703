import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Cluster, type Pod, until } from "./harness";

// A small file system of its own stands for the claim. It is in memory, so a mount is all it takes.
const mounted: string[] = [];

async function smallVolume(cluster: Cluster, megabytes: number): Promise<Pod> {
  const pod = await cluster.pod(0);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0777`, "tmpfs", pod.volume]);
  mounted.push(pod.volume);
  return pod;
}

const reserve = (pod: Pod): string => join(pod.volume, ".reserve");

describe("a volume that is full", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;

  async function start(...conf: string[]): Promise<void> {
    cluster = new Cluster({ conf: ["max_slot_wal_keep_size = -1", ...conf], env: { CHECK_INTERVAL: "1" } });
    primary = await smallVolume(cluster, 400);
    primary.start();
    await primary.waitReady();
    await until("the reserve", () => existsSync(reserve(primary)), 20);
  }
  afterEach(async () => {
    await primary.kill();
    for (const directory of mounted.splice(0)) execFileSync("umount", [directory]);
    await cluster.dispose();
  });

  it("by WAL that a slot keeps for a replica which is gone: the slot goes, and the primary writes again by itself", async () => {
    // More than the volume has room for even without the slot.
    await start("max_wal_size = 512MB", "min_wal_size = 256MB", "wal_keep_size = 256MB");
    await primary.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE filler (x text)");
    await primary.sql("SELECT pg_create_physical_replication_slot('replica_2', true)");
    for (let round = 0; round < 100; round += 1) {
      const { code } = await primary.psql(
        "INSERT INTO filler SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 8000); TRUNCATE filler",
      );
      if (code !== 0) break;
    }
    await primary.waitLog(/the volume is full: giving back the \d+ MB/, 30);
    await primary.waitLog(/dropped slots that kept WAL for replicas that are away: replica_2/, 30);
    await primary.waitLog(/the volume has room again/, 30);
    await until("a write", async () => (await primary.psql("INSERT INTO t VALUES (2)")).code === 0, 20);
    expect(await primary.sql("SELECT count(*) FROM t")).to.equal("2");
    expect(existsSync(reserve(primary))).to.equal(true);
  });

  it("by data: it answers and only reads; it writes again by itself once something was deleted", async () => {
    await start("max_wal_size = 64MB", "min_wal_size = 32MB");
    await primary.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE big (x text)");
    for (let round = 0; round < 200; round += 1) {
      await primary.psql("INSERT INTO big SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 8000)");
      if (/the volume is full/.test(primary.logs())) break;
      await primary.psql("SELECT pg_switch_wal()");
    }
    await primary.waitLog(/the volume is full: giving back the \d+ MB/, 10);
    await primary.waitReady();
    await until(
      "read only",
      async () => (await primary.psql("INSERT INTO t VALUES (2)")).stderr.includes("read-only transaction"),
      20,
    );
    expect(await primary.sql("SELECT count(*) FROM t")).to.equal("1");
    expect((await primary.report()).notices.join()).to.match(/the volume is full: new transactions only read/);
    // Nor does it make what the settings add.
    await primary.writeConfig(cluster.conf, { databases: "late\tappuser\n" });
    await primary.waitLog(/roles, databases and extensions wait until the volume has room again/, 20);
    expect(await primary.sql("SELECT count(*) FROM pg_database WHERE datname = 'late'")).to.equal("0");
    await primary.sql("BEGIN READ WRITE; DROP TABLE big; COMMIT");
    await primary.waitLog(/the volume has room again/, 30);
    await until("a write", async () => (await primary.psql("INSERT INTO t VALUES (2)")).code === 0, 20);
    await primary.waitLog(/made database late/, 40);
  });
});

describe("a slot whose replica was scaled away", function () {
  this.timeout(60_000);
  const cluster = new Cluster({ env: { CHECK_INTERVAL: "1", SLOT_PATIENCE: "3" } });
  after(() => cluster.dispose());

  it("is dropped after a while, one that is in use or not ours is not", async () => {
    const primary = await cluster.ready(0);
    const replica = await cluster.ready(1);
    await primary.sql(
      "SELECT pg_create_physical_replication_slot('replica_2', true), pg_create_physical_replication_slot('mine', true)",
    );
    await primary.waitLog(/dropped the slot replica_2/, 20);
    expect(await primary.sql("SELECT slot_name FROM pg_replication_slots ORDER BY 1")).to.equal("mine\nreplica_1");
    await replica.sigterm();
  });
});
