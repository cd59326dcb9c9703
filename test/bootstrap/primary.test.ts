import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { placeholder } from "../../local/render/placeholder";
import { Cluster, type Pod, until } from "./harness";

describe("the first start of the primary", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let primary: Pod;

  before(async () => {
    cluster = new Cluster();
    primary = await cluster.ready(0);
    await primary.waitLog(/made role monitoring a member of pg_monitor/);
  });
  after(() => cluster.dispose());

  it("makes the database, owned by the application's role", async () => {
    const owner = await primary.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'myapp'");
    expect(owner).to.equal("appuser");
  });

  it("makes a role for the application that is no superuser, one that can only replicate, and two that only look", async () => {
    const roles = await primary.sql(
      "SELECT rolname, rolsuper, rolreplication FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    );
    expect(roles.split("\n")).to.deep.equal([
      "appuser|f|f",
      "monitoring|f|f",
      "postgres|t|t",
      "readonly|f|f",
      "replicator|f|t",
    ]);
  });

  it("uses data checksums, UTF8 and C.UTF-8", async () => {
    expect(await primary.sql("SHOW data_checksums")).to.equal("on");
    expect(await primary.sql("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database", "myapp")).to.match(
      /^(UTF8\|C\.UTF-8\n?)+$/,
    );
  });

  it("lets the application in over TCP with its password, and not with another", async () => {
    expect(await primary.login("appuser", "app-secret-1", "myapp", "CREATE TABLE mine (id int)")).to.include({
      code: 0,
    });
    const wrong = await primary.login("appuser", "wrong", "myapp");
    expect(wrong.code).to.not.equal(0);
    expect(wrong.stderr).to.contain("password authentication failed");
  });

  it("never lets the superuser in over TCP", async () => {
    const { stderr } = await primary.login("postgres", "app-secret-1", "postgres");
    expect(stderr).to.contain("pg_hba.conf rejects connection");
  });

  it("keeps the replication role out of the application's database", async () => {
    expect((await primary.login("replicator", "replication-secret-1", "postgres")).code).to.equal(0);
    expect((await primary.login("replicator", "replication-secret-1", "myapp")).stderr).to.contain(
      "rejects connection",
    );
  });

  it("lets the pod's own user in on the socket as the superuser and as the application, without a password", async () => {
    expect(await primary.psql("SELECT current_user", "postgres", "postgres")).to.include({ stdout: "postgres" });
    expect(await primary.psql("SELECT current_user", "myapp", "appuser")).to.include({ stdout: "appuser" });
    expect((await primary.psql("SELECT 1", "postgres", "replicator")).code).to.not.equal(0);
  });

  it("trusts nobody anywhere", async () => {
    const rules = await primary.sql("SELECT DISTINCT auth_method FROM pg_hba_file_rules ORDER BY 1");
    expect(rules.split("\n")).to.deep.equal(["peer", "reject", "scram-sha-256"]);
    expect(await readFile(join(primary.data, "pg_hba.conf"), "utf8")).to.not.match(/^[^#]*\btrust\b/m);
  });

  it("stores passwords as SCRAM verifiers, and none of the superuser", async () => {
    const stored = "SELECT rolname, left(rolpassword, 14) FROM pg_authid WHERE rolcanlogin ORDER BY 1";
    expect((await primary.sql(stored)).split("\n")).to.deep.equal([
      "appuser|SCRAM-SHA-256$",
      "monitoring|SCRAM-SHA-256$",
      "postgres|",
      "readonly|SCRAM-SHA-256$",
      "replicator|SCRAM-SHA-256$",
    ]);
  });

  it("keeps everybody out of the app's database, and lets everybody make nothing in a schema public", async () => {
    const may = (database: string) =>
      primary.sql(
        "SELECT has_database_privilege('public', current_database(), 'CONNECT'), " +
          "has_database_privilege('public', current_database(), 'TEMPORARY'), has_schema_privilege('public', 'public', 'CREATE')",
        database,
      );
    expect(await may("myapp")).to.equal("f|f|f");
    expect(await may("template1")).to.equal("t|f|f");
    expect(await may("postgres")).to.equal("t|t|f");
    expect(await primary.sql("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'", "myapp")).to.equal(
      "pg_database_owner",
    );
  });

  it("answers all three probes", async () => {
    expect(await primary.probe("startup")).to.equal(0);
    expect(await primary.probe("readiness")).to.equal(0);
    expect(await primary.probe("liveness")).to.equal(0);
  });

  it("leaves nothing half-made on the volume", async () => {
    expect((await readdir(primary.volume)).sort()).to.include.members([".lock", "config", "pgdata"]);
    expect(await readdir(primary.volume)).to.not.include(".pgdata.new");
  });
});

describe("names and passwords that need quoting", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let primary: Pod;
  const odd = { database: `my "app' \\ $1`, user: `o'br"ien \\x`, password: `p'a"s:s\\w %s $(id) é` };

  before(async () => {
    cluster = new Cluster(odd);
    primary = await cluster.ready(0);
  });
  after(() => cluster.dispose());

  it("become exactly that database, role and password", async () => {
    const { stdout, stderr } = await primary.login(
      odd.user,
      odd.password,
      odd.database,
      "SELECT current_database(), current_user",
    );
    expect(stderr).to.equal("");
    expect(stdout).to.equal(`${odd.database}|${odd.user}`);
  });

  it("are found again at the next start, and nothing is applied twice", async () => {
    await primary.sigterm();
    const before = primary.logs().length;
    primary.start();
    await primary.waitReady();
    await primary.waitLog(/accepts connections/);
    expect((await primary.login(odd.user, odd.password, odd.database)).code).to.equal(0);
    expect(primary.logs().slice(before)).to.not.match(/applied the password|authentication failed/);
  });
});

describe("a container that was ended while ordinal 0 waited for replicas", function () {
  this.timeout(60_000);
  const cluster = new Cluster();
  after(() => cluster.dispose());

  it("leaves no word by which the next one counts as ready whatever becomes of its server", async () => {
    const primary = await cluster.ready(0);
    await primary.sigterm();
    const holding = join(primary.run, "holding");
    writeFileSync(holding, "");
    expect(await primary.probe("readiness"), "what it would do").to.equal(0);
    primary.start();
    await until("its removal", () => !existsSync(holding));
    await primary.waitReady();
  });
});

describe("a primary that must not be made", function () {
  this.timeout(60_000);
  let cluster: Cluster;

  afterEach(() => cluster.dispose());

  it("refuses a data directory that is not a cluster, and does not touch it", async () => {
    cluster = new Cluster();
    const primary = await cluster.pod(0);
    await mkdir(primary.data);
    await writeFile(join(primary.data, "PG_VERSION"), "15\n");
    await writeFile(join(primary.data, "precious"), "data");
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("is not empty and is not a PostgreSQL cluster");
    expect((await readdir(primary.data)).sort()).to.deep.equal(["PG_VERSION", "precious"]);
  });

  it("accepts a data directory that exists and is empty", async () => {
    cluster = new Cluster();
    const primary = await cluster.pod(0);
    const { code } = await primary.asPostgres("mkdir", [primary.data]);
    expect(code).to.equal(0);
    primary.start();
    await primary.waitReady();
  });

  it("refuses data of another major version", async () => {
    cluster = new Cluster();
    const primary = await cluster.ready(0);
    await primary.sigterm();
    await writeFile(join(primary.data, "PG_VERSION"), "11\n");
    primary.start();
    expect(await primary.exit()).to.equal(1);
    expect(primary.lastWords()).to.contain("data of PostgreSQL 11");
  });

  for (const user of ["replicator", "readonly"]) {
    it(`refuses a role name that is the cluster's own: ${user}`, async () => {
      cluster = new Cluster({ user });
      const primary = await cluster.pod(0);
      primary.start();
      expect(await primary.exit()).to.equal(1);
      expect(primary.lastWords()).to.contain("choose another");
    });
  }

  for (const [what, password] of Object.entries({ empty: "", "the placeholder of a rendered Secret": placeholder })) {
    it(`refuses a Secret without a usable password: ${what}`, async () => {
      cluster = new Cluster({ replicationPassword: password });
      const primary = await cluster.pod(0);
      primary.start();
      expect(await primary.exit()).to.equal(1);
      expect(primary.lastWords()).to.contain("no usable REPLICATION_PASSWORD");
    });
  }

  it("takes the newline at a password's end for what it is", async () => {
    cluster = new Cluster({ password: "typed-by-hand\n", replicationPassword: "this-too\n" });
    const primary = await cluster.ready(0);
    expect((await primary.login("appuser", "typed-by-hand", "myapp")).code).to.equal(0);
  });
});

describe("a role that may make functions in database postgres, as every role may before PostgreSQL 15", function () {
  this.timeout(60_000);
  const cluster = new Cluster({ env: { CHECK_INTERVAL: "1" } });
  after(() => cluster.dispose());

  it("cannot have the superuser call them", async () => {
    const primary = await cluster.ready(0);
    await primary.sql("GRANT CREATE ON SCHEMA public TO appuser");
    // Each fits a call of the scripts better than PostgreSQL's own.
    const body = "RETURNS bool LANGUAGE plpgsql AS 'BEGIN ALTER ROLE appuser SUPERUSER; RETURN true; END'";
    const traps = [
      `CREATE FUNCTION public.has_function_privilege(text, text, text) ${body}`,
      `CREATE FUNCTION public.trap(name, name) ${body}`,
      "CREATE OPERATOR public.~ (LEFTARG = name, RIGHTARG = name, FUNCTION = public.trap)",
    ];
    expect(await primary.login("appuser", "app-secret-1", "postgres", traps.join(";"))).to.include({ code: 0 });
    await primary.sql("SELECT pg_create_physical_replication_slot('replica_1')");
    await primary.writeSecrets("app-secret-2");
    await primary.waitLog(/applied the password of role appuser[\s\S]*applied the password of role appuser/);
    await sleep(2500); // two of the checks that are made all the time
    expect(await primary.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'appuser'")).to.equal("f");
  });
});
