import { spawn } from "node:child_process";
import { chmod, chown, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, type Pod, until, waitStreaming } from "./harness";

describe("a new password in the Secret", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;

  before(async () => {
    // Everything that could show a password in the log is switched on.
    cluster = new Cluster({
      conf: [
        "log_statement = all",
        "log_min_duration_statement = 0",
        "log_min_error_statement = debug5",
        "log_connections = on",
      ],
    });
    primary = await cluster.ready(0);
    replica = await cluster.ready(1);
    await waitStreaming(primary, replica);
  });
  after(() => cluster.dispose());

  it("works soon, the old one no longer, and open sessions stay", async () => {
    const server = primary.postmaster();
    const session = primary.login("appuser", "app-secret-1", "myapp", "SELECT pg_sleep(6), 'still here'");
    await sleep(300);
    await primary.writeSecrets("app-secret-2", "replication-secret-2");
    await replica.writeSecrets("app-secret-2", "replication-secret-2");
    await until(
      "the new password",
      async () => (await primary.login("appuser", "app-secret-2", "myapp")).code === 0,
      15,
    );
    expect((await primary.login("appuser", "app-secret-1", "myapp")).code).to.not.equal(0);
    expect((await session).stdout).to.contain("still here");
    expect(primary.postmaster()).to.equal(server);
  });

  it("lets replicas go on streaming, also over a new connection", async () => {
    await primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
    await sleep(300);
    await waitStreaming(primary, replica);
    expect((await primary.login("replicator", "replication-secret-2", "postgres")).code).to.equal(0);
  });

  it("is applied when the pod was away during the change", async () => {
    await primary.sigterm();
    await primary.writeSecrets("app-secret-3", "replication-secret-3");
    primary.start();
    await primary.waitReady();
    await until(
      "the new password",
      async () => (await primary.login("appuser", "app-secret-3", "myapp")).code === 0,
      10,
    );
    await replica.writeSecrets("app-secret-3", "replication-secret-3");
    await waitStreaming(primary, replica);
  });

  it("is not set again where the role may not connect: that says nothing about its password", async () => {
    const verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'appuser'";
    await primary.sql("ALTER ROLE appuser CONNECTION LIMIT 0");
    const before = await primary.sql(verifier);
    const log = primary.logs().length;
    await primary.sigterm();
    primary.start();
    await until("the try", () => /too many connections for role/.test(primary.logs().slice(log)), 20);
    await sleep(1000);
    expect(await primary.sql(verifier)).to.equal(before);
    expect(primary.logs().slice(log)).to.not.match(/the password of role/);
    await primary.sql("ALTER ROLE appuser CONNECTION LIMIT -1");
  });

  it("stands nowhere in a log or in an argument list", async () => {
    const secrets = /(app|replication)-secret-\d/;
    // The search is able to find one:
    await primary.sql("SELECT 'planted app-secret-9'");
    await primary.waitLog(/app-secret-9/);
    const logs = (primary.logs() + replica.logs()).replaceAll("planted app-secret-9", "");
    expect(logs).to.not.match(secrets);
    expect(logs).to.not.contain("SCRAM-SHA-256$");
  });

  it("stands in no argument list or environment while it is applied", async () => {
    const seen = new Set<string>();
    const watch = (async () => {
      for (let round = 0; round < 400; round += 1) {
        for (const { pid } of primary.processes()) {
          for (const file of ["cmdline", "environ"]) {
            const text = await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
            if (/secret-[0-9]/.test(text)) seen.add(text);
          }
        }
        await sleep(5);
      }
    })();
    await primary.writeSecrets("app-secret-4", "replication-secret-3");
    await watch;
    expect((await primary.login("appuser", "app-secret-4", "myapp")).code).to.equal(0);
    expect([...seen]).to.deep.equal([]);
  });
});

describe("a changed configuration", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let primary: Pod;

  before(async () => {
    cluster = new Cluster();
    primary = await cluster.ready(0);
  });
  after(() => cluster.dispose());

  it("reaches the running server without a restart", async () => {
    const server = primary.postmaster();
    await primary.writeConfig(["work_mem = 7MB"]);
    await until("the new value", async () => (await primary.sql("SHOW work_mem")) === "7MB", 10);
    expect(primary.postmaster()).to.equal(server);
  });

  it("is refused when it is wrong: the previous one stays, also through a crash and a restart", async () => {
    await primary.writeConfig(["work_mem = lots"]);
    await primary.waitLog(/settings are not valid.*work_mem/);
    expect(await primary.sql("SHOW work_mem")).to.equal("7MB");
    const old = await primary.killPostmaster();
    await until("a new postmaster", () => (primary.postmaster() ?? old) !== old);
    await primary.waitReady();
    expect(await primary.sql("SHOW work_mem")).to.equal("7MB");
    await primary.sigterm();
    primary.start();
    await primary.waitReady();
    expect(await primary.sql("SHOW work_mem")).to.equal("7MB");
    expect(primary.logs()).to.contain("starting with the last settings that were valid");
    await primary.writeConfig(["work_mem = 9MB"]);
    await until("the corrected value", async () => (await primary.sql("SHOW work_mem")) === "9MB", 10);
  });

  it("that cannot be stored, as on a full volume, is tried again until it is, and told of once", async () => {
    const folder = join(primary.volume, "config");
    const { uid, gid, mode } = await stat(folder);
    await chown(folder, 0, 0);
    await chmod(folder, 0o555);
    await primary.writeConfig([...cluster.conf, "work_mem = 7MB"]);
    await primary.waitLog(/could not store the new settings on the volume/);
    await sleep(3000);
    await chown(folder, uid, gid);
    await chmod(folder, mode);
    await until("the setting", async () => (await primary.sql("SHOW work_mem")) === "7MB", 15);
    expect(primary.logs().match(/could not store the new settings/g)).to.have.length(1);
  });

  it("stops a pod that has no earlier one, with the server's words", async () => {
    const other = new Cluster({ conf: ["no_such_setting = 1"] });
    try {
      const pod = await other.pod(0);
      pod.start();
      expect(await pod.exit()).to.equal(1);
      expect(pod.logs()).to.contain('unrecognized configuration parameter "no_such_setting"');
      expect(pod.lastWords()).to.contain("no valid settings");
    } finally {
      await other.dispose();
    }
  });

  it("costs next to nothing to watch for", async () => {
    const ticks = async (): Promise<number> => {
      const fields = (await readFile(`/proc/${primary.supervisor()}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    };
    await primary.waitReady();
    await sleep(1500);
    const before = await ticks();
    await sleep(5000);
    const perSecond = ((await ticks()) - before) * 2;
    console.log(`      the supervisor uses ${perSecond} ms of CPU a second, helpers included`);
    expect(perSecond).to.be.lessThan(20);
  });
});

// Kept here: an orphan must be reaped by the supervisor, whoever left it.
describe("an orphan that something in the pod leaves behind", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("is reaped, and the server does not take it for its own", async () => {
    const primary = await cluster.ready(0);
    const server = primary.postmaster();
    const inside = [
      "--target",
      String(primary.supervisor()),
      "--pid",
      "--mount",
      "sh",
      "-c",
      "(sleep 0.2; exit 3) & exit 0",
    ];
    await new Promise((resolve) => spawn("nsenter", inside, { stdio: "ignore" }).on("close", resolve));
    await sleep(1500);
    expect(primary.processes().some(({ pid }) => primary.isZombie(pid))).to.equal(false);
    expect(primary.postmaster()).to.equal(server);
    expect(primary.logs()).to.not.contain("terminating any other active server processes");
  });
});
