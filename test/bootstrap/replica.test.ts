import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

describe("a replica", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;

  before(async () => {
    cluster = new Cluster();
    replica = await cluster.pod(1);
    replica.start();
    await replica.waitLog(/waiting for the primary/);
    primary = await cluster.ready(0);
    await replica.waitReady();
  });
  after(() => cluster.dispose());

  it("waits for the primary, clones it and streams under the pod's name", async () => {
    await waitStreaming(primary, replica);
    const senders = await primary.sql("SELECT application_name, usename, state FROM pg_stat_replication");
    expect(senders).to.equal("postgres-1|replicator|streaming");
  });

  it("has its rows and refuses to write", async () => {
    await primary.sql("CREATE TABLE seen (id int); INSERT INTO seen VALUES (1)", "myapp");
    await waitStreaming(primary, replica);
    expect(await replica.sql("SELECT id FROM seen", "myapp")).to.equal("1");
    expect((await replica.psql("INSERT INTO seen VALUES (2)", "myapp")).stderr).to.contain("read-only transaction");
  });

  it("has a physical slot of its own", async () => {
    const slots = await primary.sql("SELECT slot_name, slot_type, active FROM pg_replication_slots");
    expect(slots).to.equal("replica_1|physical|t");
  });

  it("keeps no password in its data directory", async () => {
    const { stdout } = await replica.asPostgres("grep", ["-rl", "replication-secret-1", replica.volume]);
    expect(stdout).to.equal("");
  });

  it("starts from its own data while the primary is away, and follows when it is back", async () => {
    await replica.sigterm();
    await primary.sigterm();
    replica.start();
    await replica.waitReady();
    expect(await replica.sql("SELECT count(*) FROM seen", "myapp")).to.equal("1");
    primary.start();
    await primary.waitReady();
    await waitStreaming(primary, replica);
  });

  it("never comes up as a primary, even when its standby.signal is lost", async () => {
    await replica.sigterm();
    const { code } = await replica.asPostgres("rm", [join(replica.data, "standby.signal")]);
    expect(code).to.equal(0);
    replica.start();
    await replica.waitReady();
    expect(await replica.sql("SELECT pg_is_in_recovery()")).to.equal("t");
  });

  it("clones again when its volume was replaced by an empty one", async () => {
    await replica.sigterm();
    await replica.asPostgres("rm", ["-rf", replica.data]);
    replica.start();
    await replica.waitReady();
    await waitStreaming(primary, replica);
    expect(await replica.sql("SELECT count(*) FROM seen", "myapp")).to.equal("1");
  });
});

describe("settings that a standby may not have lower than its primary", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;
  const five = (value: number): string[] => [
    `max_connections = ${value}`,
    `max_worker_processes = ${value}`,
    `max_wal_senders = ${value}`,
    `max_prepared_transactions = ${value}`,
    `max_locks_per_transaction = ${value}`,
  ];
  const restart = async (pod: Pod, conf: string[]): Promise<void> => {
    await pod.sigterm();
    await pod.writeConfig(conf);
    pod.start();
    await pod.waitReady();
  };

  before(async () => {
    cluster = new Cluster({ conf: five(40) });
    primary = await cluster.ready(0);
    replica = await cluster.ready(1);
    await waitStreaming(primary, replica);
  });
  after(() => cluster.dispose());

  it("can be lowered replicas first: the replica keeps the primary's until the primary has changed", async () => {
    await restart(replica, five(20));
    expect(await replica.sql("SHOW max_connections")).to.equal("40");
    expect(replica.logs()).to.contain("max_prepared_transactions is 20 but the primary's WAL needs 40");
    await restart(primary, five(20));
    expect(await primary.sql("SHOW max_connections")).to.equal("20");
    await waitStreaming(primary, replica);
    await restart(replica, five(20));
    expect(await replica.sql("SHOW max_connections")).to.equal("20");
  });

  it("can be raised replicas first", async () => {
    await restart(replica, five(60));
    await restart(primary, five(60));
    await waitStreaming(primary, replica);
    expect(await replica.sql("SHOW max_locks_per_transaction")).to.equal("60");
  });
});

describe("a clone whose slot is left over from an earlier try", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("uses that slot", async () => {
    const primary = await cluster.ready(0);
    await primary.sql("SELECT pg_create_physical_replication_slot('replica_2', true)");
    const replica = await cluster.ready(2);
    await waitStreaming(primary, replica);
    expect(existsSync(join(replica.volume, ".pgdata.new"))).to.equal(false);
    await until("one slot", async () => (await primary.sql("SELECT count(*) FROM pg_replication_slots")) === "1");
  });
});
