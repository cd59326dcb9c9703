import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, kills, type Pod, programs, until } from "./harness";

/** Asks the pod to end; expects status 0 within the time. */
async function endsWithin(pod: Pod, milliseconds: number): Promise<void> {
  const start = Date.now();
  expect(await pod.sigterm(), pod.logs()).to.equal(0);
  expect(Date.now() - start).to.be.lessThan(milliseconds);
}

describe("a pod that is asked to end", function () {
  this.timeout(60_000 + kills * 5_000);
  let cluster: Cluster;

  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(() => cluster.dispose());

  it("ends at once during initdb, and starts over later", async () => {
    const primary = await cluster.pod(0);
    for (const moment of [30, 150, 400]) {
      primary.start();
      await sleep(moment);
      await endsWithin(primary, 2000);
    }
    primary.start();
    await primary.waitReady();
  });

  it("ends at once while it waits for the primary", async () => {
    const replica = await cluster.pod(1);
    replica.start();
    await replica.waitLog(/waiting for the primary/);
    await endsWithin(replica, 1500);
    expect(existsSync(replica.data)).to.equal(false);
  });

  it("ends at once during a clone", async () => {
    const primary = await cluster.ready(0);
    await primary.sql("CREATE TABLE bulk AS SELECT repeat(md5(g::text), 50) FROM generate_series(1, 100000) g");
    const replica = await cluster.pod(1);
    replica.start();
    await until("some of the copy", () => existsSync(join(replica.volume, ".pgdata.new", "base")));
    await endsWithin(replica, 2000);
    expect(existsSync(replica.data)).to.equal(false);
  });

  it("shuts a running server down fast and cleanly, with sessions open", async () => {
    const primary = await cluster.ready(0);
    const session = primary.psql("SELECT pg_sleep(30)");
    await sleep(300);
    await endsWithin(primary, 3000);
    expect((await session).stderr).to.contain("terminating connection due to administrator command");
    const { stdout } = await primary.asPostgres(join(programs, "pg_controldata"), ["-D", primary.data]);
    expect(stdout).to.match(/Database cluster state: +shut down/);
  });

  it("writes what memory holds while clients are still served, and only then turns them away", async () => {
    const primary = await cluster.ready(0);
    await primary.sql("CREATE TABLE bulk AS SELECT repeat(md5(g::text), 20) FROM generate_series(1, 50000) g");
    await endsWithin(primary, 5000);
    const [before, after] = primary.logs().split("received fast shutdown request");
    expect(before).to.match(/checkpoint complete: wrote \d{3,} buffers/);
    expect(after).to.match(/checkpoint complete: wrote \d{1,2} buffers/);
  });

  it("does without that when the server does not answer", async () => {
    const primary = await cluster.ready(0);
    const postmaster = await until("a postmaster", () => primary.postmaster());
    process.kill(postmaster, "SIGSTOP");
    const already = primary.logs().length;
    const ended = primary.sigterm();
    try {
      await sleep(3000);
    } finally {
      process.kill(postmaster, "SIGCONT");
    }
    expect(await Promise.race([ended, sleep(3000)])).to.equal(0);
    expect(primary.logs().slice(already))
      .to.contain("checkpoint starting: shutdown")
      .and.not.to.contain("checkpoint starting: immediate force wait");
  });

  it("does so however early in the server's start the signal comes", async () => {
    const primary = await cluster.ready(0);
    await primary.sigterm();
    for (const moment of [20, 40, 60, 80, 120]) {
      primary.start();
      await sleep(moment);
      await endsWithin(primary, 3000);
    }
  });

  it("does so where the signal comes before it has read its scripts", async () => {
    const primary = await cluster.pod(0);
    const library = join(cluster.root, "scripts", "lib.sh");
    writeFileSync(library, `sleep 2\n${readFileSync(library, "utf8")}`);
    primary.start();
    await sleep(1000);
    process.kill(await until("process 1", () => primary.supervisor()), "SIGTERM");
    expect(await primary.exit(10)).to.equal(0);
    expect(primary.logs()).to.contain("stopped on request").and.not.to.contain("empty volume");
  });

  it("does so at whatever moment the signal finds a server that runs", async () => {
    cluster.env.CHECK_INTERVAL = "0";
    const primary = await cluster.ready(0);
    for (let count = 0; count < Math.max(kills, 10); count += 1) {
      await sleep(Math.random() * 400);
      await endsWithin(primary, 3000);
      primary.start();
      await primary.waitReady();
    }
  });

  it("ends at once during crash recovery", async () => {
    const primary = await cluster.ready(0);
    await primary.sql("CREATE TABLE bulk AS SELECT repeat(md5(g::text), 20) FROM generate_series(1, 100000) g");
    await primary.kill();
    primary.start();
    await primary.waitLog(/automatic recovery in progress/);
    await endsWithin(primary, 4000);
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SELECT count(*) FROM bulk")).to.equal("100000");
  });
});
