import { expect } from "chai";
import { clusterSpec } from "../../components/postgres/spec";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

/** The line of postgresql.conf for so many synchronous replicas of two. */
function standbys(synchronousReplicas: number): string[] {
  const { postgresqlConf } = clusterSpec({ replicas: 3, synchronousReplicas });
  return postgresqlConf.split("\n").filter((line) => line.startsWith("synchronous_standby_names"));
}

describe("a synchronous replica", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  let replicas: Pod[];

  before(async () => {
    cluster = new Cluster({
      conf: standbys(1),
      files: { roles: "clerk\n" },
      rolePasswords: { clerk: "clerk-secret-1" },
    });
    primary = await cluster.ready(0);
    replicas = [await cluster.pod(1), await cluster.pod(2)];
  });
  after(() => cluster.dispose());

  const insert = (): Promise<{ code: number; stderr: string }> =>
    primary.login("appuser", cluster.password, "myapp", "INSERT INTO t VALUES (1)");
  const waiting = async (): Promise<boolean> =>
    (await primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) === "1";

  it("is asked for by the names that replicas connect with", async () => {
    expect(await primary.sql("SHOW synchronous_standby_names")).to.equal('ANY 1 ("postgres-1", "postgres-2")');
  });

  it("is not needed for the primary to become ready and apply its passwords", async () => {
    expect(await primary.probe("readiness")).to.equal(0);
    expect(await primary.login("appuser", "app-secret-1", "myapp")).to.include({ code: 0 });
    await until(
      "the role of the settings",
      async () => (await primary.login("clerk", "clerk-secret-1", "myapp")).code === 0,
    );
    cluster.password = "app-secret-2";
    await primary.writeSecrets();
    await until(
      "the new password",
      async () => (await primary.login("appuser", "app-secret-2", "myapp")).code === 0,
      10,
    );
  });

  it("is what a commit waits for: while none is there, until one streams", async () => {
    const commit = primary.login("appuser", cluster.password, "myapp", "CREATE TABLE t (id int)");
    await until("the commit to wait", waiting);
    for (const replica of replicas) await replica.writeSecrets();
    replicas[0]?.start();
    await replicas[0]?.waitReady();
    expect(await commit).to.include({ code: 0, stderr: "" });
  });

  it("may be any of them: with one of two away, commits go on", async () => {
    const [first, second] = replicas;
    if (!first || !second) throw new Error("two replicas were made");
    second.start();
    await second.waitReady();
    for (const replica of replicas) await waitStreaming(primary, replica);
    const states = "SELECT application_name, sync_state FROM pg_stat_replication ORDER BY 1";
    expect(await primary.sql(states)).to.equal("postgres-1|quorum\npostgres-2|quorum");
    for (const replica of replicas) {
      await replica.sigterm();
      const asked = Date.now();
      expect(await insert()).to.include({ code: 0, stderr: "" });
      expect(Date.now() - asked).to.be.lessThan(3000);
      replica.start();
      await replica.waitReady();
      await waitStreaming(primary, replica);
    }
  });

  it("does not keep the primary from a fast shutdown while a commit waits for it", async () => {
    for (const replica of replicas) await replica.sigterm();
    const commit = insert();
    await until("the commit to wait", waiting);
    const asked = Date.now();
    expect(await primary.sigterm(), primary.logs()).to.equal(0);
    expect(Date.now() - asked).to.be.lessThan(3000);
    expect((await commit).stderr).to.contain("canceling the wait for synchronous replication");
    primary.start();
    await primary.waitReady();
  });

  it("is given up by a reload, which lets a waiting commit through", async () => {
    const server = primary.postmaster();
    const commit = insert();
    await until("the commit to wait", waiting);
    await primary.writeConfig(standbys(0));
    expect(await commit).to.include({ code: 0 });
    expect(primary.postmaster()).to.equal(server);
  });
});
