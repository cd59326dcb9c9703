import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, type Pod, until } from "./harness";
import { app, as, given, passwords } from "./logins";

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
    expect(primary.logs()).to.not.match(/supervisor: .*(could not|has no usable)/);
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
