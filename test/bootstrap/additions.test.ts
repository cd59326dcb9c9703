import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { additionFiles } from "../../components/postgres/additions/files";
import { type PostgresClusterArgs, withDefaults } from "../../components/postgres/args";
import { Cluster, type Pod, until } from "./harness";

/** The ConfigMap's files for these settings. */
const filesOf = (settings: PostgresClusterArgs): Record<string, string> => additionFiles(withDefaults(settings));

/** Changes the settings of a running pod; the files of the Secret arrive a little later than those of the ConfigMap. */
async function change(pod: Pod, settings: PostgresClusterArgs, passwords: Record<string, string>): Promise<void> {
  pod.cluster.files = filesOf(settings);
  pod.cluster.rolePasswords = passwords;
  await pod.writeConfig();
  await sleep(400);
  await pod.writeSecrets();
}

/** Names of the programs that keep the volume locked: beside the supervisor, that may only be the server. */
function holdersOfLock(pod: Pod): string[] {
  const holds = (pid: number): boolean => {
    try {
      const folder = `/proc/${pid}/fd`;
      return readdirSync(folder).some((descriptor) => readlinkSync(`${folder}/${descriptor}`).endsWith("/.lock"));
    } catch {
      // It has just ended.
      return false;
    }
  };
  const supervisor = pod.supervisor();
  const others = pod.processes().filter(({ pid }) => pid !== supervisor && holds(pid));
  return [...new Set(others.map(({ name }) => name))];
}

const count = (text: string, pattern: RegExp): number => text.match(new RegExp(pattern, "g"))?.length ?? 0;

describe("roles, databases and extensions of the settings", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  const settings: PostgresClusterArgs = {
    roles: [
      { name: "reader", memberOf: ["writer", "pg_monitor"] },
      { name: "writer", memberOf: ["appuser"] },
    ],
    databases: [{ name: "reports", owner: "writer" }, { name: "audit-log" }],
    extensions: [{ name: "pg_trgm" }, { name: "pgcrypto", database: "reports" }],
  };
  const owner = (database: string): Promise<string> =>
    primary.sql(`SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '${database}'`);

  before(async () => {
    cluster = new Cluster({
      files: filesOf(settings),
      rolePasswords: { reader: "reader-secret-1", writer: "writer-secret-1" },
      // Everything that could show a password in the log is switched on.
      conf: ["log_statement = all", "log_min_duration_statement = 0", "log_min_error_statement = debug5"],
    });
    primary = await cluster.ready(0);
    await primary.waitLog(/made extension pgcrypto in database reports/);
  });
  after(() => cluster.dispose());

  it("are made at the first start, after the app's own password", async () => {
    expect(await primary.login("reader", "reader-secret-1", "myapp", "SELECT current_user")).to.include({
      stdout: "reader",
    });
    expect(await owner("reports")).to.equal("writer");
    expect(await owner("audit-log")).to.equal("appuser");
    expect(await primary.sql("SELECT extname FROM pg_extension ORDER BY 1", "myapp")).to.equal("pg_trgm\nplpgsql");
    expect(await primary.sql("SELECT extname FROM pg_extension ORDER BY 1", "reports")).to.equal("pgcrypto\nplpgsql");
    expect(primary.logs()).to.match(/applied the password of role appuser[\s\S]*made role reader/);
  });

  it("make roles that may log in and nothing more, with the memberships that were asked for", async () => {
    const rights = "rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls";
    expect(await primary.sql(`SELECT ${rights} FROM pg_roles WHERE rolname = 'reader'`)).to.equal("t|f|f|f|f|f");
    const members =
      "SELECT member::regrole, roleid::regrole FROM pg_auth_members WHERE member::regrole::text !~ '^pg_'";
    expect((await primary.sql(members)).split("\n")).to.have.members([
      "monitoring|pg_monitor",
      "reader|pg_monitor",
      "reader|writer",
      "writer|appuser",
    ]);
  });

  it("can read the verifiers of all passwords as members of pg_read_all_data", async () => {
    const read = "SELECT count(rolpassword) > 0 FROM pg_authid";
    expect((await primary.login("reader", "reader-secret-1", "myapp", read)).stderr).to.contain("permission denied");
    await primary.sql("GRANT pg_read_all_data TO reader");
    expect(await primary.login("reader", "reader-secret-1", "myapp", read)).to.include({ stdout: "t" });
    await primary.sql("REVOKE pg_read_all_data FROM reader");
  });

  it("put what an extension makes into public, where every session finds it", async () => {
    expect(await primary.login("reader", "reader-secret-1", "myapp", "SELECT similarity('abc', 'abd') > 0")).to.include(
      { stdout: "t" },
    );
  });

  it("send verifiers, never passwords: neither stands in the log", async () => {
    await primary.sql("SELECT 'planted reader-secret-9'");
    await primary.waitLog(/reader-secret-9/);
    const logs = primary.logs().replaceAll("planted reader-secret-9", "");
    expect(logs).to.not.match(/(reader|writer)-secret/);
    expect(logs).to.not.contain("SCRAM-SHA-256$");
  });

  it("are found at the next start, and nothing is made or applied twice", async () => {
    await primary.sigterm();
    const before = primary.logs().length;
    primary.start();
    await primary.waitReady();
    const log = (): string => primary.logs().slice(before);
    await until("the last of them", () => log().includes("extname = 'pgcrypto'"));
    await sleep(500);
    expect(log()).to.not.match(/supervisor: (made|applied|could not)|ERROR|authentication failed/);
  });

  it("follow changed settings while the server runs: what is new is made, what is gone stays", async () => {
    const server = primary.postmaster();
    const passwords = { reader: "reader-secret-2", writer: "writer-secret-1", clerk: "clerk-secret-1" };
    const more = { ...settings, roles: [{ name: "clerk", memberOf: ["reader"] }, { name: "reader" }], databases: [] };
    await change(primary, more, passwords);
    await until("the new password", async () => (await primary.login("reader", "reader-secret-2", "myapp")).code === 0);
    expect(await primary.login("clerk", "clerk-secret-1", "myapp")).to.include({ code: 0 });
    expect(await primary.login("writer", "writer-secret-1", "reports")).to.include({ code: 0 });
    expect(await primary.sql("SELECT pg_has_role('reader', 'writer', 'MEMBER')")).to.equal("t");
    // Of the server's own log, "could not send data to client" is of clients that go away.
    expect(primary.logs()).to.not.match(/supervisor: .*(could not|has no usable)/);
    expect(primary.postmaster()).to.equal(server);
  });

  it("are made on data that was there before, also after a crash of the server", async () => {
    const old = await primary.killPostmaster();
    await until("a new postmaster", () => (primary.postmaster() ?? old) !== old);
    await primary.waitReady();
    await primary.sql("DROP EXTENSION pg_trgm", "myapp");
    await change(primary, { ...settings, databases: [{ name: "late" }] }, { ...cluster.rolePasswords });
    await primary.waitLog(/made database late, owned by role appuser/);
    await until("the extension again", async () =>
      (await primary.sql("SELECT extname FROM pg_extension", "myapp")).includes("pg_trgm"),
    );
  });
});

describe("an addition that is there already", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("stays as it is: its owner, its rights, its version; a role only gets its password and its memberships", async () => {
    const primary = await cluster.ready(0);
    // A change that comes before the first run is a part of it, and that does not wait for the Secret.
    await primary.waitLog(/made role monitoring a member of pg_monitor/);
    await primary.sql("CREATE ROLE boss SUPERUSER LOGIN");
    await primary.sql("CREATE ROLE gone NOLOGIN");
    await primary.sql("CREATE DATABASE shop OWNER boss");
    await primary.sql("CREATE EXTENSION pg_trgm VERSION '1.5'", "myapp");
    const roles = [{ name: "boss", memberOf: ["pg_monitor"] }, { name: "gone" }];
    const settings = { roles, databases: [{ name: "shop" }], extensions: [{ name: "pg_trgm" }] };
    await change(primary, settings, { boss: "boss-secret-1", gone: "gone-secret-1" });
    await primary.waitLog(/database shop was there already and belongs to role boss: it stays so.*setting: databases/);
    await primary.waitLog(/role gone was there already and may not log in: it stays so.*setting: roles/);
    await until("boss's password", async () => (await primary.login("boss", "boss-secret-1", "shop")).code === 0);
    expect(
      await primary.sql(
        "SELECT rolsuper, pg_has_role('boss', 'pg_monitor', 'MEMBER') FROM pg_roles WHERE rolname = 'boss'",
      ),
    ).to.equal("t|t");
    expect(await primary.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'gone'")).to.equal("f");
    expect(await primary.sql("SELECT extversion FROM pg_extension WHERE extname = 'pg_trgm'", "myapp")).to.equal("1.5");
  });
});

describe("an addition that cannot be made", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;

  before(async () => {
    const settings = {
      roles: [{ name: "early", memberOf: ["nobody_knows"] }, { name: "without" }, { name: "late" }],
      databases: [{ name: "orphan", owner: "nobody_knows" }, { name: "reports" }],
      extensions: [{ name: "vector" }, { name: "hstore", database: "missing" }, { name: "citext" }],
    };
    cluster = new Cluster({
      files: filesOf(settings),
      rolePasswords: { early: "early-secret-1", late: "late-secret-1" },
    });
    primary = await cluster.ready(0);
  });
  after(() => cluster.dispose());

  it("does not keep the pod from becoming ready, nor the others from being made", async () => {
    await primary.waitLog(/made extension citext in database myapp/);
    expect(await primary.probe("readiness")).to.equal(0);
    expect(await primary.login("appuser", "app-secret-1", "reports")).to.include({ code: 0 });
    expect(await primary.login("late", "late-secret-1", "myapp")).to.include({ code: 0 });
    expect(await primary.login("early", "early-secret-1", "myapp")).to.include({ code: 0 });
  });

  it("is one line of log that says what and why, and which setting to change, however often it is tried", async () => {
    const lines = [
      /make role early a member of nobody_knows: ERROR: .*does not exist \(setting: roles; tried again by itself\)/,
      /the Secret has no usable PASSWORD_without.*setting: roles/,
      /make database orphan for role nobody_knows: ERROR: .*does not exist.*setting: databases/,
      /make extension vector in database myapp: the image does not have it; use an image that does \(setting: image\).*setting: extensions/,
      /make extension hstore in database missing: .*database "missing" does not exist.*setting: extensions/,
    ];
    // Tried after 5 s and after 10 more; each try asks for the database that is missing.
    await until("three tries", () => count(primary.logs(), /\] FATAL: {2}database "missing" does not exist/) >= 3, 30);
    for (const line of lines) expect(count(primary.logs(), line), `${line}`).to.equal(1);
    expect(count(primary.logs(), /supervisor: made role late/)).to.equal(1);
  });

  it("is made by itself when it can be, without a restart of anything", async () => {
    await primary.sql("CREATE DATABASE missing");
    await primary.waitLog(/made extension hstore in database missing/, 40);
  });
});

describe("an addition that takes long", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("keeps nothing else waiting: neither a new password of the app, nor the end of the pod", async () => {
    const primary = await cluster.ready(0);
    // Keeps CREATE DATABASE waiting.
    const holder = primary.psql("BEGIN; LOCK pg_database IN SHARE MODE; SELECT pg_sleep(60)");
    await change(primary, { databases: [{ name: "slow" }] }, {});
    const waits = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^CREATE DATABASE' AND wait_event_type = 'Lock'";
    await until("it to wait", async () => (await primary.sql(waits)) === "1");
    // A program that has just been forked holds it for a moment.
    await until("the lock with the server only", () => holdersOfLock(primary).join() === "postgres", 5);
    await primary.writeSecrets("app-secret-2");
    await until("the password", async () => (await primary.login("appuser", "app-secret-2", "myapp")).code === 0, 5);
    expect(await primary.sql(waits)).to.equal("1");
    const asked = Date.now();
    expect(await primary.sigterm()).to.equal(0);
    expect(Date.now() - asked).to.be.lessThan(3000);
    expect((await holder).code).to.not.equal(0);
    primary.start();
    await primary.waitLog(/made database slow/);
  });
});
