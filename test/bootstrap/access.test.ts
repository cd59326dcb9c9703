import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, type Pod, until } from "./harness";

const passwords = { READONLY_PASSWORD: "readonly-secret-1", MONITORING_PASSWORD: "monitoring-secret-1" };

/** The generated roles are there, with their rights. */
const given = /made role monitoring a member of pg_monitor/;

/** SQL over TCP as one of the generated roles. */
const as = (pod: Pod, role: "readonly" | "monitoring", sql = "SELECT 1", database = "myapp") =>
  pod.login(role, `${role}-secret-1`, database, sql);

/** SQL over TCP as the app. */
async function app(pod: Pod, ...statements: string[]): Promise<void> {
  expect(await pod.login("appuser", "app-secret-1", "myapp", statements.join(";"))).to.include({ code: 0, stderr: "" });
}

describe("the role readonly", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;
  const read = async (sql: string): Promise<string> => {
    const { stdout, stderr } = await as(primary, "readonly", sql);
    return stdout + stderr;
  };

  before(async () => {
    cluster = new Cluster({ generatedPasswords: { ...passwords } });
    primary = await cluster.ready(0);
    await primary.waitLog(given);
    await app(
      primary,
      "CREATE TABLE orders (id serial PRIMARY KEY, what text)",
      "INSERT INTO orders (what) VALUES ('book')",
      "CREATE SCHEMA later",
      "CREATE TABLE later.items (id int)",
      "CREATE VIEW later.whats AS SELECT what FROM orders",
      "CREATE MATERIALIZED VIEW later.counts AS SELECT count(*) FROM orders",
      "CREATE SEQUENCE later.numbers START 7",
      "CREATE TABLE later.parts (id int) PARTITION BY RANGE (id)",
    );
  });
  after(() => cluster.dispose());

  it("reads what the app makes: tables, views, sequences, in a schema that is made later, too", async () => {
    expect(await read("SELECT what FROM orders")).to.equal("book");
    expect(await read("SELECT count(*) FROM later.items")).to.equal("0");
    expect(await read("SELECT what FROM later.whats")).to.equal("book");
    expect(await read("SELECT count FROM later.counts")).to.equal("1");
    expect(await read("SELECT last_value FROM later.numbers")).to.equal("7");
    expect(await read("SELECT count(*) FROM later.parts")).to.equal("0");
  });

  it("changes nothing, also where it turns its sessions' read-only mode off", async () => {
    expect(await read("INSERT INTO orders (what) VALUES ('pen')")).to.contain("read-only transaction");
    const writes = [
      "INSERT INTO orders (what) VALUES ('pen')",
      "UPDATE orders SET what = 'pen'",
      "DELETE FROM orders",
      "TRUNCATE orders",
      "SELECT nextval('later.numbers')",
      "CREATE TABLE public.mine (id int)",
      "CREATE SCHEMA mine",
      "CREATE TEMPORARY TABLE mine (id int)",
      "DROP VIEW later.whats",
      "LOCK TABLE orders IN EXCLUSIVE MODE",
      "SELECT FROM orders FOR UPDATE",
    ];
    for (const write of writes) {
      expect(await read(`BEGIN READ WRITE; ${write}`), write).to.match(/permission denied|must be owner/);
    }
  });

  it("does not read the verifiers of passwords, nor what others own", async () => {
    await primary.sql("CREATE TABLE public.others (id int)", "myapp");
    expect(await read("SELECT rolpassword FROM pg_authid")).to.contain("permission denied");
    expect(await read("SELECT passwd FROM pg_shadow")).to.contain("permission denied");
    expect(await read("SELECT * FROM public.others")).to.contain("permission denied");
    expect(await read("SELECT pg_read_file('PG_VERSION')")).to.contain("permission denied");
  });

  it("connects to the app's database over the network, and to no other", async () => {
    await primary.sql("CREATE DATABASE reports OWNER appuser");
    for (const database of ["postgres", "reports", "template1"]) {
      const { stderr } = await as(primary, "readonly", "SELECT 1", database);
      expect(stderr, database).to.contain("pg_hba.conf rejects connection");
    }
  });

  it("gets by the next start what came to the app's role in another way", async () => {
    await primary.sql(
      "CREATE SCHEMA theirs; CREATE TABLE theirs.gift (id int); ALTER TABLE theirs.gift OWNER TO appuser",
      "myapp",
    );
    expect(await read("SELECT count(*) FROM theirs.gift")).to.contain("permission denied");
    await primary.sigterm();
    const before = primary.logs().length;
    primary.start();
    await primary.waitReady();
    await until("the rights", () => /readonly may read .*\(2 new rights\)/.test(primary.logs().slice(before)));
    expect(await read("SELECT count(*) FROM theirs.gift")).to.equal("0");
  });

  it("is not given anything twice", async () => {
    await primary.sigterm();
    const before = primary.logs().length;
    primary.start();
    await primary.waitReady();
    const log = (): string => primary.logs().slice(before);
    await until("the additions", () => log().includes("accepts connections"));
    await sleep(3000);
    expect(log()).to.not.match(/supervisor: (made|applied|could not|role|took)|ERROR|authentication failed/);
  });
});

describe("the role monitoring", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;

  before(async () => {
    cluster = new Cluster({ generatedPasswords: { ...passwords } });
    primary = await cluster.ready(0);
    await primary.waitLog(given);
    await app(primary, "CREATE TABLE orders (id int)", "CREATE SCHEMA later", "CREATE TABLE later.items (id int)");
  });
  after(() => cluster.dispose());

  it("sees the sessions of all, and the sizes and settings of the server", async () => {
    const session = primary.login("appuser", "app-secret-1", "myapp", "SELECT pg_sleep(3), 'of the app'");
    const seen = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'appuser' AND query LIKE '%of the app%'";
    await until("the app's query", async () => (await as(primary, "monitoring", seen)).stdout === "1", 10);
    expect((await as(primary, "readonly", seen)).stdout).to.equal("0");
    await session;
    const sizes =
      "SELECT pg_database_size('myapp') > 0, current_setting('hba_file') <> '', count(*) >= 0 FROM pg_stat_replication";
    expect(await as(primary, "monitoring", sizes)).to.include({ stdout: "t|t|t" });
  });

  it("connects to every database but the template, and reads no data of the app", async () => {
    expect(await as(primary, "monitoring", "SELECT count(*) FROM pg_stat_user_tables")).to.include({ stdout: "2" });
    expect(await as(primary, "monitoring", "SELECT 1", "postgres")).to.include({ code: 0 });
    expect((await as(primary, "monitoring", "SELECT 1", "template1")).stderr).to.contain("pg_hba.conf rejects");
    for (const sql of ["SELECT * FROM orders", "SELECT * FROM later.items", "CREATE TEMPORARY TABLE mine (id int)"]) {
      expect((await as(primary, "monitoring", sql)).stderr, sql).to.contain("permission denied");
    }
  });

  it("takes few connections away from the app", async () => {
    const held = Array.from({ length: 5 }, () => as(primary, "monitoring", "SELECT pg_sleep(100)"));
    const sessions = "FROM pg_stat_activity WHERE usename = 'monitoring' AND query LIKE '%pg_sleep%'";
    await until("five sessions", async () => (await primary.sql(`SELECT count(*) ${sessions}`)) === "5");
    expect((await as(primary, "monitoring")).stderr).to.contain("too many connections for role");
    await primary.sql(`SELECT pg_terminate_backend(pid) ${sessions}`);
    for (const { stderr } of await Promise.all(held)) expect(stderr).to.contain("terminating connection");
  });
});

describe("the superuser", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;
  const login = (password = "superuser-secret-1", database = "postgres") =>
    primary.login("postgres", password, database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
  const stored = () => primary.sql("SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = 'postgres'");

  /** The settings and the Secret of a running pod, which arrive one after the other. */
  async function change(generated: Record<string, string>, first: "settings" | "passwords"): Promise<void> {
    cluster.generatedPasswords = generated;
    if (first === "settings") await primary.writeConfig();
    else await primary.writeSecrets();
    await sleep(1500);
    if (first === "settings") await primary.writeSecrets();
    else await primary.writeConfig();
  }

  before(async () => {
    cluster = new Cluster({ generatedPasswords: { ...passwords } });
    primary = await cluster.ready(0);
    await primary.waitLog(given);
  });
  after(() => cluster.dispose());

  it("is refused over the network, whatever its password is", async () => {
    await primary.sql("ALTER ROLE postgres PASSWORD 'superuser-secret-1'");
    expect((await login()).stderr).to.contain("pg_hba.conf rejects connection");
    await primary.sql("ALTER ROLE postgres PASSWORD NULL");
  });

  it("is let in with the password of the Secret once the settings say so, whichever of the two comes first", async () => {
    const server = primary.postmaster();
    await change({ ...passwords, SUPERUSER_PASSWORD: "superuser-secret-1" }, "settings");
    await until("the superuser", async () => (await login()).stdout === "t", 20);
    expect((await login("superuser-secret-1", "myapp")).stdout).to.equal("t");
    expect((await login("wrong")).stderr).to.contain("password authentication failed");
    expect(await stored()).to.equal("SCRAM-SHA-256$");
    expect(primary.postmaster()).to.equal(server);
  });

  it("gets a new password like the others", async () => {
    await change({ ...passwords, SUPERUSER_PASSWORD: "superuser-secret-2" }, "settings");
    await until("the new password", async () => (await login("superuser-secret-2")).stdout === "t", 20);
    expect((await login()).stderr).to.contain("password authentication failed");
  });

  it("may not replicate over the network for all that", async () => {
    const { stderr } = await primary.login(
      "postgres",
      "superuser-secret-2",
      "dbname=postgres replication=true",
      "IDENTIFY_SYSTEM",
    );
    expect(stderr).to.contain("pg_hba.conf rejects replication connection");
  });

  it("is refused again, and has no password any more, once the settings no longer say so", async () => {
    await change(passwords, "passwords");
    await primary.waitLog(/took the superuser's password away/);
    await until(
      "the refusal",
      async () => (await login("superuser-secret-2")).stderr.includes("pg_hba.conf rejects"),
      20,
    );
    expect(await stored()).to.equal("");
    expect(primary.logs()).to.not.match(/could not|has no usable/);
  });
});

describe("a cluster that an earlier version made", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let primary: Pod;
  let before: number;
  const log = (): string => primary.logs().slice(before);
  const logged = (words: RegExp) => until(`${words} in the log`, () => words.test(log()));

  /** What the data of a cluster was before there were generated roles. */
  async function older(sql = ""): Promise<void> {
    cluster = new Cluster({ generatedPasswords: {} });
    primary = await cluster.ready(0);
    await primary.waitLog(given);
    await app(
      primary,
      "CREATE TABLE orders AS SELECT 'book' AS what",
      'CREATE SCHEMA "Old one"',
      'CREATE TABLE "Old one"."T" (id int)',
    );
    for (const role of ["readonly", "monitoring"]) {
      await primary.sql(`DROP OWNED BY ${role}`, "myapp");
      await primary.sql(`DROP ROLE ${role}`, "myapp");
    }
    await primary.sql(`GRANT CONNECT, TEMPORARY ON DATABASE myapp TO PUBLIC; ${sql}`, "myapp");
    await primary.sigterm();
    before = primary.logs().length;
  }
  afterEach(() => cluster.dispose());

  it("starts without the new keys of its Secret, and gets the roles; their passwords once the keys are there", async () => {
    await older();
    primary.start();
    await primary.waitReady();
    await logged(/the Secret has no usable READONLY_PASSWORD.*\(tried again by itself\)/);
    expect((await as(primary, "readonly")).stderr).to.contain("password authentication failed");
    expect(await primary.login("appuser", "app-secret-1", "myapp")).to.include({ code: 0 });
    cluster.generatedPasswords = { ...passwords };
    await primary.writeSecrets();
    for (const role of ["readonly", "monitoring"] as const) {
      await until(`the password of ${role}`, async () => (await as(primary, role)).code === 0, 20);
    }
    expect(await as(primary, "readonly", "SELECT what FROM orders")).to.include({ stdout: "book" });
    expect(await as(primary, "readonly", 'SELECT count(*) FROM "Old one"."T"')).to.include({ stdout: "0" });
    await app(primary, "CREATE TABLE future (id int)");
    expect(await as(primary, "readonly", "SELECT count(*) FROM future")).to.include({ stdout: "0" });
    // What its clients may have come to rely on stays.
    await primary.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk-secret-1'");
    expect(await primary.login("clerk", "clerk-secret-1", "myapp", "CREATE TEMPORARY TABLE t (id int)")).to.include({
      code: 0,
    });
  });

  it("keeps a login of one of the names as it is, with the password and the rights of a generated role, and says so", async () => {
    await older("CREATE ROLE readonly LOGIN CREATEDB PASSWORD 'by-hand'; GRANT pg_read_all_settings TO readonly");
    cluster.generatedPasswords = { ...passwords };
    await primary.writeSecrets();
    primary.start();
    await logged(/role readonly was there already: it stays what it is, and gets the password READONLY_PASSWORD/);
    await logged(given);
    expect(await as(primary, "readonly", "SELECT what FROM orders")).to.include({ stdout: "book" });
    expect((await primary.login("readonly", "by-hand", "myapp")).stderr).to.contain("password authentication failed");
    const kept =
      "SELECT rolcreatedb, pg_has_role('readonly', 'pg_read_all_settings', 'MEMBER') FROM pg_roles WHERE rolname = 'readonly'";
    expect(await primary.sql(kept)).to.equal("t|t");
    expect(log()).to.not.match(/role monitoring was there already/);
  });

  it("keeps a group of one of the names as it is: its members get nothing", async () => {
    await older("CREATE ROLE readonly; CREATE ROLE member LOGIN PASSWORD 'member-secret-1' IN ROLE readonly");
    cluster.generatedPasswords = { ...passwords };
    await primary.writeSecrets();
    primary.start();
    await logged(/role readonly was there already and may not log in: it stays so/);
    await logged(given);
    expect((await primary.login("member", "member-secret-1", "myapp", "SELECT * FROM orders")).stderr).to.contain(
      "permission denied",
    );
  });
});

describe("roles of the settings", function () {
  this.timeout(120_000);
  const cluster = new Cluster({
    files: { roles: "clerk\nreporting\treadonly\n" },
    rolePasswords: { clerk: "clerk-secret-1", reporting: "reporting-secret-1" },
  });
  after(() => cluster.dispose());

  it("may connect to the app's database although not everybody may, and read what readonly reads as its members", async () => {
    const primary = await cluster.ready(0);
    await primary.waitLog(/made role reporting a member of readonly/);
    await app(primary, "CREATE TABLE orders AS SELECT 'book' AS what");
    const login = (role: string, sql: string) => primary.login(role, `${role}-secret-1`, "myapp", sql);
    expect(await login("clerk", "CREATE TEMPORARY TABLE mine (id int)")).to.include({ code: 0 });
    expect((await login("clerk", "SELECT * FROM orders")).stderr).to.contain("permission denied");
    expect(await login("reporting", "SELECT what FROM orders")).to.include({ stdout: "book" });
    await primary.sql("CREATE ROLE stranger LOGIN PASSWORD 'stranger-secret-1'");
    expect((await login("stranger", "SELECT 1")).stderr).to.contain("permission denied for database");
    expect((await primary.login("nobody", "x", "myapp")).stderr).to.contain("password authentication failed");
  });
});
