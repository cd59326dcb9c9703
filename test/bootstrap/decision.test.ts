import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

/** Writes about `megabytes` of WAL, and makes the primary forget what it need not keep. */
async function writeWal(primary: Pod, megabytes: number): Promise<void> {
  await primary.sql("CREATE TABLE IF NOT EXISTS filler (t text)");
  for (let count = 0; count < megabytes; count += 8) {
    await primary.sql("INSERT INTO filler SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 8000)");
    await primary.sql("TRUNCATE filler; SELECT pg_switch_wal()");
  }
  await primary.sql("CHECKPOINT");
  await primary.sql("CHECKPOINT");
}

/** The decisions a replica has logged since `from`. */
const clones = (pod: Pod): number => pod.logs().split("the clone is complete").length - 1;

describe("what a replica does with the data it has", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;

  beforeEach(async () => {
    cluster = new Cluster({
      conf: [
        "recovery_init_sync_method = syncfs",
        "max_wal_size = 48MB",
        "min_wal_size = 32MB",
        "max_slot_wal_keep_size = 64MB",
        "wal_keep_size = 0",
      ],
    });
    primary = await cluster.ready(0);
    await primary.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    replica = await cluster.ready(1);
    await waitStreaming(primary, replica);
  });
  afterEach(() => cluster.dispose());

  const restart = async (): Promise<void> => {
    replica.start();
    await replica.waitReady();
    await waitStreaming(primary, replica);
  };

  it("1, 2: it cloned once, and after a restart goes on with that", async () => {
    expect(clones(replica)).to.equal(1);
    await replica.sigterm();
    await restart();
    expect(clones(replica)).to.equal(1);
    expect(replica.logs()).to.contain("the data continues the primary's");
  });

  it("3: the primary does not answer: it starts with what it has", async () => {
    await replica.sigterm();
    await primary.kill();
    replica.start();
    await replica.waitReady();
    expect(replica.logs()).to.contain("the primary does not answer: starting with the data that is here");
    expect(await replica.sql("SELECT count(*) FROM t")).to.equal("1");
  });

  it("4: its slot lost the WAL: it drops the slot and clones", async () => {
    await replica.sigterm();
    await writeWal(primary, 200);
    expect(await primary.sql("SELECT wal_status FROM pg_replication_slots")).to.equal("lost");
    await restart();
    expect(clones(replica)).to.equal(2);
    expect(await primary.sql("SELECT wal_status FROM pg_replication_slots")).to.equal("reserved");
  });

  it("5: its slot is gone and the WAL is there: it makes the slot and goes on", async () => {
    await replica.sigterm();
    await primary.sql("SELECT pg_drop_replication_slot('replica_1')");
    await primary.sql("INSERT INTO t VALUES (2)");
    await restart();
    expect(clones(replica)).to.equal(1);
    expect(await primary.sql("SELECT slot_name, active FROM pg_replication_slots")).to.equal("replica_1|t");
  });

  it("6: its slot is gone and so is the WAL: it clones", async () => {
    await replica.sigterm();
    await primary.sql("SELECT pg_drop_replication_slot('replica_1')");
    await writeWal(primary, 200);
    await restart();
    expect(clones(replica)).to.equal(2);
    expect(replica.logs()).to.contain("it has no slot, and the primary no longer has the WAL");
  });

  it("7: the primary is another database: it refuses and touches nothing", async () => {
    await replica.sigterm();
    await primary.sigterm();
    await primary.asPostgres("rm", ["-rf", primary.data]);
    primary.start();
    await primary.waitReady();
    replica.start();
    expect(await replica.exit()).to.equal(1);
    expect(replica.lastWords()).to.contain("the primary is another database").and.to.contain("nothing was changed");
    await primary.sigterm();
    replica.start();
    await replica.waitReady();
    expect(await replica.sql("SELECT count(*) FROM t")).to.equal("1");
  });

  it("8: it has more than the primary, on the same timeline: both refuse, and name the ways out", async () => {
    const copy = `${primary.volume}.copy`;
    await primary.sigterm();
    await primary.asPostgres("cp", ["-a", primary.data, primary.run]);
    primary.start();
    await primary.waitReady();
    await primary.sql("INSERT INTO t SELECT generate_series(1, 1000)");
    await waitStreaming(primary, replica);
    await primary.sigterm();
    void copy;
    await primary.asPostgres("rm", ["-rf", primary.data]);
    await primary.asPostgres("mv", [`${primary.run}/pgdata`, primary.data]);
    // The primary notices as long as the replica can be asked.
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("is older than its replicas").and.to.contain("set recoverPrimaryFrom to 1");
    // And the replica notices when it starts later than the primary.
    await replica.sigterm();
    primary.start();
    await primary.waitReady();
    replica.start();
    expect(await replica.exit()).to.equal(1);
    expect(replica.lastWords()).to.contain("the primary's data is older");
  });

  it("9: it is beyond the point where the primary was promoted: it refuses, for the primary lacks what it has", async () => {
    const other = await cluster.ready(2);
    await waitStreaming(primary, other);
    await other.sigterm();
    await primary.sql("INSERT INTO t VALUES (2)");
    await waitStreaming(primary, replica);
    await replica.sigterm();
    await primary.kill();
    // What rebuilding from replica 2 does, by hand and without looking at replica 1.
    await primary.asPostgres("rm", ["-rf", primary.data]);
    await primary.asPostgres("cp", ["-a", other.data, primary.data]);
    primary.start();
    await primary.waitReady();
    await primary.sql("SELECT pg_promote(true, 30)");
    await primary.sql("INSERT INTO t VALUES (3)");
    replica.start();
    expect(await replica.exit()).to.equal(1);
    expect(replica.lastWords())
      .to.contain("beyond the point where the primary's timeline 2 began")
      .and.to.contain("if the primary is right: delete the claim");
    await primary.sigterm();
    replica.start();
    await replica.waitReady();
    expect(await replica.sql("SELECT count(*) FROM t WHERE id = 2")).to.equal("1");
  });

  it("10: it is on a newer timeline than the primary: it refuses", async () => {
    await replica.sql("SELECT pg_promote(true, 30)");
    await replica.sql("CHECKPOINT");
    await replica.sigterm();
    replica.start();
    expect(await replica.exit()).to.equal(1);
    expect(replica.lastWords()).to.contain("on timeline 2, the primary on the older timeline 1");
  });
});

describe("a replica that stays broken while it runs", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;

  beforeEach(async () => {
    cluster = new Cluster({
      conf: [
        "recovery_init_sync_method = syncfs",
        "max_wal_size = 48MB",
        "min_wal_size = 32MB",
        "max_slot_wal_keep_size = 64MB",
        "max_connections = 40",
      ],
      env: { CHECK_INTERVAL: "1", HEAL_AFTER: "3" },
    });
    primary = await cluster.ready(0);
    replica = await cluster.ready(1);
    await waitStreaming(primary, replica);
  });
  afterEach(() => cluster.dispose());

  it("is healed by a clone, in the same container, when its slot lost the WAL", async () => {
    const supervisor = replica.supervisor();
    const receiver = await until(
      "the receiver",
      () => replica.processes().find(({ name }) => name === "postgres")?.pid,
    );
    expect(receiver).to.be.a("number");
    // Frozen, it falls behind as it would behind a dead link.
    for (const { pid, name } of replica.processes()) if (name === "postgres") process.kill(pid, "SIGSTOP");
    await primary.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active");
    await writeWal(primary, 200);
    for (const { pid, name } of replica.processes()) if (name === "postgres") process.kill(pid, "SIGCONT");
    await replica.waitLog(/not streaming although the primary can be reached/, 30);
    await replica.waitLog(/fell too far behind/, 30);
    await until("the clone", () => clones(replica) === 2, 30);
    await replica.waitReady();
    await waitStreaming(primary, replica);
    expect(replica.supervisor()).to.equal(supervisor);
  });

  it("says that it waits, and does nothing, when the primary is away", async () => {
    await primary.sigterm();
    await replica.waitLog(/the primary cannot be reached; answering with the data/, 20);
    await sleep(5000);
    expect(replica.logs()).to.not.contain("starting the server again");
    primary.start();
    await primary.waitReady();
    await waitStreaming(primary, replica);
  });

  it("goes on after its replay paused because the primary's max_connections was raised first", async () => {
    await primary.sigterm();
    await primary.writeConfig([...cluster.conf, "max_connections = 60"]);
    primary.start();
    await primary.waitReady();
    await primary.sql("CREATE TABLE after_the_change (id int)");
    await replica.waitLog(/replay has paused: the primary's settings need a restart here/, 30);
    await replica.waitReady();
    await waitStreaming(primary, replica);
    expect(await replica.sql("SHOW max_connections")).to.equal("60");
  });

  it("leaves a pause alone that a person asked for", async () => {
    await replica.sql("SELECT pg_wal_replay_pause()");
    await replica.waitLog(/replay is paused by pg_wal_replay_pause/, 20);
    await sleep(5000);
    expect(await replica.sql("SELECT pg_get_wal_replay_pause_state()")).to.equal("paused");
    await replica.sql("SELECT pg_wal_replay_resume()");
    await waitStreaming(primary, replica);
  });
});
