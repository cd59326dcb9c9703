import { expect } from "chai";
import { Cluster, type Pod, until } from "./harness";
import { app, as, given, passwords } from "./logins";

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
