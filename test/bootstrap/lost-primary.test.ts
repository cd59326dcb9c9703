import { existsSync } from "node:fs";
import { expect } from "chai";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

describe("a primary whose volume is lost", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;
  let first: Pod;
  let second: Pod;

  before(async () => {
    cluster = new Cluster({ conf: ["recovery_init_sync_method = syncfs"] });
    primary = await cluster.ready(0);
    first = await cluster.ready(1);
    second = await cluster.ready(2);
    await primary.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    await waitStreaming(primary, first);
    await waitStreaming(primary, second);
    cluster.latch();
    // Replica 1 misses the last rows.
    await first.sigterm();
    await primary.sql("INSERT INTO t SELECT generate_series(2, 500)");
    await waitStreaming(primary, second);
    await primary.kill();
    await primary.asPostgres("rm", ["-rf", primary.data, `${primary.volume}/config`]);
    first.start();
    await first.waitReady();
  });
  after(() => cluster.dispose());

  it("refuses to begin anew, and names the most advanced replica and the setting", async () => {
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords())
      .to.contain("the most advanced replica is postgres-2")
      .and.to.contain("set recoverPrimaryFrom to 2");
    expect(existsSync(primary.data)).to.equal(false);
  });

  it("refuses while a replica answers also where the program has not yet marked the cluster as ready", async () => {
    const unmarked = await cluster.pod(0);
    unmarked.start({ LATCH_DIR: "/nonexistent" });
    expect(await unmarked.exit()).to.equal(1);
    expect(unmarked.lastWords()).to.contain("the most advanced replica is postgres-2");
  });

  it("lets ordered start bring up the replicas first, for only they can tell what was lost", async () => {
    await first.sigterm();
    await second.sigterm();
    primary.start({ PEER_PATIENCE: "60" });
    // The StatefulSet makes the next pod only when this one counts as ready.
    await until("the pod to let others start", async () => (await primary.probe("readiness")) === 0);
    first.start();
    second.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("the most advanced replica is postgres-2");
    expect(existsSync(primary.data)).to.equal(false);
  });

  it("does not let itself be built from a replica that has less", async () => {
    await primary.writeConfig(cluster.conf, { "recover-primary-from": "1\n" });
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("but postgres-2 has more");
  });

  it("is built again from the replica that the setting names; the others follow without a clone", async () => {
    await primary.writeConfig(cluster.conf, { "recover-primary-from": "2\n" });
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SELECT count(*) FROM t")).to.equal("500");
    expect(await primary.sql("SELECT timeline_id FROM pg_control_checkpoint()")).to.equal("2");
    expect((await primary.login("appuser", "app-secret-1", "myapp", "CREATE TABLE after_it ()")).code).to.equal(0);
    await waitStreaming(primary, second);
    await waitStreaming(primary, first);
    expect(await first.sql("SELECT count(*) FROM t")).to.equal("500");
    expect(first.logs().split("the clone is complete").length - 1).to.equal(1);
    expect(second.logs().split("the clone is complete").length - 1).to.equal(1);
  });

  it("does not build again when the setting is left and the volume is there", async () => {
    await primary.sigterm();
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SELECT timeline_id FROM pg_control_checkpoint()")).to.equal("2");
    await until("both replicas", async () => (await primary.sql("SELECT count(*) FROM pg_stat_replication")) === "2");
  });

  it("refuses when it was ready before and nobody answers", async () => {
    for (const pod of [primary, first, second]) await pod.sigterm();
    await primary.asPostgres("rm", ["-rf", primary.data]);
    await primary.writeConfig();
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("was ready before, and no replica answers").and.to.contain("postgres-latch");
  });
});

describe("a kill while the primary is built again", function () {
  this.timeout(120_000);
  const cluster = new Cluster({ conf: ["recovery_init_sync_method = syncfs"] });
  after(() => cluster.dispose());

  it("leaves nothing, or a primary on a new timeline, and the next start succeeds", async () => {
    const primary = await cluster.ready(0);
    const replica = await cluster.ready(1);
    await primary.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS id");
    await waitStreaming(primary, replica);
    await primary.kill();
    await primary.asPostgres("rm", ["-rf", primary.data]);
    await primary.writeConfig(cluster.conf, { "recover-primary-from": "1", replicas: "2" });
    for (const line of [/building the primary again/, /entering standby mode/, /received promote request/]) {
      const seen = primary.logs().length;
      primary.start();
      await until(`${line}`, () => line.test(primary.logs().slice(seen)) || !primary.running);
      await primary.kill();
      if (existsSync(primary.data)) break;
    }
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SELECT count(*), pg_is_in_recovery() FROM t")).to.equal("1000|f");
    await waitStreaming(primary, replica);
  });
});
