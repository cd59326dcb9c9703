import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { clusterSpec } from "../../components/postgres/spec";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

describe("a primary whose volume is lost while the replica that has the most is away", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;
  let first: Pod;
  let second: Pod;
  const refused = async (conf: string[], files: Record<string, string>): Promise<string> => {
    await primary.writeConfig(conf, files);
    primary.start({ PEER_PATIENCE: "1" });
    expect(await primary.exit()).to.equal(1);
    expect(existsSync(primary.data)).to.equal(false);
    return primary.lastWords();
  };
  const lose = async (pod: Pod): Promise<void> => {
    await pod.kill();
    await pod.asPostgres("rm", ["-rf", pod.data, `${pod.volume}/config`]);
  };

  const kept = (): string[] => readdirSync(second.volume).filter((name) => name.startsWith("pgdata.timeline-"));

  before(async () => {
    cluster = new Cluster({ conf: ["recovery_init_sync_method = syncfs"] });
    primary = await cluster.ready(0);
    first = await cluster.ready(1);
    second = await cluster.ready(2);
    await primary.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    await waitStreaming(primary, first);
    cluster.latch();
    await first.sigterm();
    await primary.sql("INSERT INTO t SELECT generate_series(2, 500)");
    await waitStreaming(primary, second);
    // Not in order: it has to replay the last rows again.
    await second.kill();
    await lose(primary);
    first.start();
    await first.waitReady();
  });
  after(() => cluster.dispose());

  it("names the most advanced of those that answer, and the one that may have more", async () => {
    expect(await refused(cluster.conf, {}))
      .to.contain("the most advanced replica is postgres-1")
      .and.to.contain("postgres-2 did not tell what it holds, which may be more: start it");
  });

  it("is not built from the other one; a word that was given for another loss does not change that", async () => {
    const files = { "recover-primary-from": "1\n", "recover-without": "2@0/1000000" };
    expect(await refused(cluster.conf, files))
      .to.contain("the primary is not built from postgres-1")
      .and.to.contain("postgres-2 did not tell");
  });

  it("nor from one that has just started and still replays what it received", async () => {
    await second.writeConfig([...cluster.conf, "recovery_min_apply_delay = 1h"]);
    second.start();
    await second.waitReady();
    expect(await refused(cluster.conf, { "recover-primary-from": "1\n" })).to.contain("postgres-2 did not tell");
    // It tells as soon as it is through.
    await second.writeConfig();
    await until("all rows", async () => (await second.psql("SELECT count(*) FROM t")).stdout === "500");
    expect(await refused(cluster.conf, { "recover-primary-from": "1\n" })).to.contain("but postgres-2 has more");
    await second.sigterm();
  });

  it("is not built without any, however many replicas commits wait for by now", async () => {
    const { postgresqlConf } = clusterSpec({ replicas: 4, synchronousReplicas: 2 });
    const standbys = postgresqlConf.split("\n").filter((line) => line.startsWith("synchronous_standby_names"));
    const files = { "recover-primary-from": "1\n", replicas: "4\n" };
    expect(await refused([...cluster.conf, ...standbys], files)).to.contain("postgres-2, postgres-3 did not tell");
    // What the settings say now, they may not have said when the commits were acknowledged.
    expect(await refused([...cluster.conf, ...standbys], { ...files, replicas: "3\n" })).to.contain(
      "postgres-2 did not tell",
    );
  });

  it("is built from the other one when fewer replicas are asked for; the one left out keeps what only it has", async () => {
    await primary.writeConfig(cluster.conf, { "recover-primary-from": "1\n", replicas: "2\n" });
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SELECT count(*) FROM t")).to.equal("1");
    second.start();
    await waitStreaming(primary, second);
    expect(second.logs()).to.contain("beyond the point where the primary's timeline 2 began");
    expect(await second.sql("SELECT count(*) FROM t")).to.equal("1");
    expect(kept()).to.have.length(1);
  });

  it("is built from what that one kept, without the other, when a person puts it back and says so in the words it gives", async () => {
    await lose(primary);
    await lose(first);
    await second.sigterm();
    await second.asPostgres("rm", ["-rf", second.data]);
    await second.asPostgres("mv", [join(second.volume, kept()[0] ?? ""), second.data]);
    second.start();
    await second.waitReady();
    const words = await refused(cluster.conf, { "recover-primary-from": "2\n" });
    const given = /"recover-without":"(1@[0-9A-F]+\/[0-9A-F]+)"/.exec(words)?.[1];
    if (given === undefined) throw new Error(words);
    await primary.writeConfig(cluster.conf, { "recover-primary-from": "2\n", "recover-without": given });
    primary.start({ PEER_PATIENCE: "1" });
    // While it waits for the others it counts as ready, too.
    await primary.waitLog(/is built again from postgres-2/);
    await primary.waitReady();
    expect(await primary.sql("SELECT count(*) FROM t")).to.equal("500");
    first.start();
    await first.waitReady();
    await waitStreaming(primary, first);
    await waitStreaming(primary, second);
  });
});
