import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { median } from "../../bench/statistics";
import { type FaultRow, recordFault } from "../fault-table";
import { Cluster, kills, type Pod, programs, until, waitStreaming } from "./harness";

/** How often a time that is measured is looked at, in milliseconds. */
const oftenMs = 25;

/** Whether a directory is what a server may start with: nothing at all, or everything and cleanly readable. */
async function whole(pod: Pod): Promise<"absent" | "complete" | "broken"> {
  if (!existsSync(pod.data)) return "absent";
  const { code } = await pod.asPostgres(join(programs, "pg_controldata"), ["-D", pod.data]);
  return code === 0 && existsSync(join(pod.data, "PG_VERSION")) ? "complete" : "broken";
}

/** Moments spread evenly over a time that an undisturbed run took, and a bit beyond. */
function moments(milliseconds: number): number[] {
  return Array.from({ length: kills }, (_, index) => Math.round((milliseconds * 1.1 * (index + 0.5)) / kills));
}

/** How long it takes from the start until PGDATA is there. */
async function timeToData(pod: Pod): Promise<number> {
  const start = Date.now();
  pod.start();
  await until("the data directory", () => existsSync(pod.data));
  const taken = Date.now() - start;
  await pod.waitReady();
  return taken;
}

/** Notes what a fault does in the table of the run, also when the test fails. */
async function recorded(fault: string, test: (row: FaultRow) => Promise<void>): Promise<void> {
  const subject = "the pods' scripts on real processes";
  const row: FaultRow = { subject, fault, tried: 0, writesBack: [], wholeBack: [], acknowledged: 0, lost: 0 };
  await test(row).finally(() => recordFault(row));
}

describe("a kill at any moment", function () {
  this.timeout(60_000 + kills * 20_000);

  it(`of the first start (${kills} of them) leaves nothing or a whole cluster, and the next start succeeds`, () =>
    recorded("initdb killed (SIGKILL)", async (row) => {
      const found = { absent: 0, complete: 0, broken: 0 };
      const undisturbed = new Cluster();
      const taken = await timeToData(await undisturbed.pod(0)).finally(() => undisturbed.dispose());
      for (const moment of moments(taken)) {
        const cluster = new Cluster();
        try {
          const primary = await cluster.pod(0);
          primary.start();
          await sleep(moment);
          row.tried += 1;
          await primary.kill();
          found[await whole(primary)] += 1;
          const restarted = Date.now();
          primary.start();
          await primary.waitReady();
          row.wholeBack.push((Date.now() - restarted) / 1000);
          expect((await primary.login("appuser", "app-secret-1", "myapp", "CREATE TABLE t ()")).stderr).to.equal("");
          expect(existsSync(join(primary.volume, ".pgdata.new"))).to.equal(false);
        } finally {
          await cluster.dispose();
        }
      }
      console.log(`      found after the kill: ${JSON.stringify(found)}`);
      expect(found.broken).to.equal(0);
    }));

  it(`of a clone (${kills} of them) leaves nothing or a whole copy, and the next start streams`, () =>
    recorded("clone killed (SIGKILL)", async (row) => {
      const found = { absent: 0, complete: 0, broken: 0 };
      const cluster = new Cluster();
      try {
        const primary = await cluster.ready(0);
        await primary.sql("CREATE TABLE bulk AS SELECT g, repeat('x', 200) FROM generate_series(1, 100000) g", "myapp");
        const replica = await cluster.pod(1);
        const taken = await timeToData(replica);
        await replica.sigterm();
        await replica.asPostgres("rm", ["-rf", replica.data]);
        for (const moment of moments(taken)) {
          replica.start();
          await sleep(moment);
          row.tried += 1;
          await replica.kill();
          found[await whole(replica)] += 1;
          const restarted = Date.now();
          replica.start();
          await replica.waitReady();
          await waitStreaming(primary, replica);
          row.wholeBack.push((Date.now() - restarted) / 1000);
          expect(await replica.sql("SELECT count(*), pg_is_in_recovery() FROM bulk", "myapp")).to.equal("100000|t");
          await replica.sigterm();
          await replica.asPostgres("rm", ["-rf", replica.data]);
        }
      } finally {
        await cluster.dispose();
      }
      console.log(`      found after the kill: ${JSON.stringify(found)}`);
      expect(found.broken).to.equal(0);
    }));
});

describe("a server that crashes", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;

  before(async () => {
    cluster = new Cluster({
      conf: ["recovery_init_sync_method = syncfs"],
      onDisk: true,
      env: { CRASH_LIMIT: String(kills + 20) },
    });
    primary = await cluster.ready(0);
    await primary.sql("CREATE TABLE ledger (id int PRIMARY KEY)");
  });
  after(() => cluster.dispose());

  /** Writes one row after the other over new connections until told to stop; returns the acknowledged ids. */
  function writer(): { stop: () => Promise<number[]> } {
    const acknowledged: number[] = [];
    let going = true;
    const loop = (async () => {
      const start = Date.now() % 1_000_000_000;
      for (let id = start; going; id += 1) {
        if ((await primary.psql(`INSERT INTO ledger VALUES (${id})`)).code === 0) acknowledged.push(id);
      }
    })();
    return {
      stop: async () => {
        going = false;
        await loop;
        return acknowledged;
      },
    };
  }

  /** The acknowledged ids that the database does not have. */
  async function lostOf(acknowledged: number[]): Promise<number[]> {
    expect(acknowledged.length).to.be.greaterThan(0);
    const stored = new Set((await primary.sql("SELECT id FROM ledger")).split("\n").map(Number));
    return acknowledged.filter((id) => !stored.has(id));
  }

  it("is back within a second after its postmaster was killed, in the same container, with every acknowledged write", () =>
    recorded("postmaster killed (SIGKILL)", async (row) => {
      const writing = writer();
      const supervisor = primary.supervisor();
      let acknowledged: number[] = [];
      try {
        for (let count = 0; count < Math.max(kills, 3); count += 1) {
          await sleep(1200);
          const start = Date.now();
          row.tried += 1;
          const old = await primary.killPostmaster();
          await until("a new postmaster", () => (primary.postmaster() ?? old) !== old, 5, oftenMs);
          await until("an answer", async () => (await primary.psql("SELECT 1")).code === 0, 10, oftenMs);
          row.writesBack.push((Date.now() - start) / 1000);
        }
      } finally {
        acknowledged = await writing.stop();
      }
      const lost = await lostOf(acknowledged);
      row.acknowledged = acknowledged.length;
      row.lost = lost.length;
      expect(lost).to.deep.equal([]);
      expect(median(row.writesBack)).to.be.lessThan(1);
      expect(primary.supervisor()).to.equal(supervisor);
    }));

  it("comes back after a backend was killed", async () => {
    const writing = writer();
    for (let count = 0; count < 3; count += 1) {
      const asleep = primary.psql("SELECT pg_backend_pid(), pg_sleep(20)");
      const inside = await until("the backend", async () => {
        const { stdout } = await primary.psql(
          "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()",
        );
        return stdout;
      });
      const victim = await until("its process", () => primary.outside(Number(inside)));
      process.kill(victim, "SIGKILL");
      expect((await asleep).code).to.not.equal(0);
      await until("an answer", async () => (await primary.psql("SELECT 1")).code === 0, 10, oftenMs);
    }
    expect(await lostOf(await writing.stop())).to.deep.equal([]);
  });

  it("starts no second server while a process of the first is left, however busy that is", async () => {
    const busy = primary.psql("SELECT count(*) FROM generate_series(1, 1000000000)");
    const inside = await until("the busy backend", async () => {
      const { stdout } = await primary.psql(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%1000000000%' AND pid <> pg_backend_pid()",
      );
      return stdout;
    });
    const orphan = await until("its process", () => primary.outside(Number(inside)));
    const old = await primary.killPostmaster();
    await until("a new postmaster", () => (primary.postmaster() ?? old) !== old, 5, oftenMs);
    expect(existsSync(`/proc/${orphan}`)).to.equal(false);
    await busy;
  });

  it("leaves no zombie behind", async () => {
    await primary.waitReady();
    const states = await until(
      "only living processes",
      async () => {
        const zombies = primary.processes().filter(({ pid }) => primary.isZombie(pid));
        return zombies.length === 0 && "none";
      },
      5,
    );
    expect(states).to.equal("none");
  });
});

describe("two pods on one volume", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("never run two servers: the second waits until the last process of the first is gone", async () => {
    const first = await cluster.ready(0);
    const second = await cluster.pod(0);
    second.start();
    await second.waitLog(/waiting for the volume/);
    await sleep(1000);
    expect(second.postmaster()).to.equal(undefined);
    expect(await second.probe("startup")).to.not.equal(0);
    await first.sql("CREATE TABLE written_meanwhile ()");
    await first.kill();
    await second.waitReady();
    expect(await second.sql("SELECT count(*) FROM written_meanwhile")).to.equal("0");
  });

  it("end at once when they are told to while they wait", async () => {
    const third = await cluster.pod(0);
    third.start();
    await third.waitLog(/waiting for the volume/);
    const start = Date.now();
    expect(await third.sigterm()).to.equal(0);
    expect(Date.now() - start).to.be.lessThan(1500);
  });
});

describe("a server that cannot start", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("makes the pod fail after a few tries, with the server's words and what to do", async () => {
    const primary = await cluster.ready(0);
    await primary.sigterm();
    await primary.asPostgres("mv", [join(primary.data, "pg_xact"), join(primary.data, "pg_xact.away")]);
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords())
      .to.match(/could not start, 5 times/)
      .and.to.match(/FATAL|PANIC/)
      .and.to.contain("the data is untouched");
    await primary.asPostgres("mv", [join(primary.data, "pg_xact.away"), join(primary.data, "pg_xact")]);
    primary.start();
    await primary.waitReady();
  });

  it("makes the pod fail when it crashes again and again after it was ready", async () => {
    const other = new Cluster({ env: { CRASH_LIMIT: "3", CRASH_WINDOW: "60" } });
    try {
      const pod = await other.ready(0);
      for (let count = 0; count < 3; count += 1) {
        await pod.waitReady();
        await pod.killPostmaster();
        await sleep(300);
      }
      expect(await pod.exit()).to.equal(1);
      expect(pod.lastWords()).to.contain("crashed 3 times within 60 seconds");
    } finally {
      await other.dispose();
    }
  });
});
