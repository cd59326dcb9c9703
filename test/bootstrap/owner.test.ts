import { existsSync, rmSync } from "node:fs";
import { expect } from "chai";
import { Cluster, type Pod, until } from "./harness";

/** The app's role owns its database, and so may give settings to all sessions in it. */
describe("the owner of the app's database", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let primary: Pod;

  /** One statement of the app's role. */
  async function app(statement: string): Promise<void> {
    expect(await primary.login("appuser", "app-secret-1", "myapp", statement)).to.include({ code: 0, stderr: "" });
  }

  /** The server starts again, and with it what the superuser does in the app's database. */
  async function again(words: RegExp): Promise<void> {
    const before = primary.logs().length;
    await primary.killPostmaster();
    await until(`${words} in the log`, () => words.test(primary.logs().slice(before)), 60);
  }

  before(async () => {
    cluster = new Cluster();
    primary = await cluster.ready(0);
    await primary.waitLog(/made role monitoring a member of pg_monitor/);
  });
  after(() => cluster.dispose());

  it("runs no program in the pod by a table's name and an encoding that is switched while the superuser is at work", async () => {
    const proof = `/tmp/run-${process.pid}`;
    // Read as GBK, the euro's last byte and the quote after it are one character, and what follows is psql's command.
    await app(`DO $do$ BEGIN
      EXECUTE format('create table public.%I (i int)', E'€"\\\\! touch ${proof}\\n');
    END $do$`);
    await app("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM readonly");
    const lurking = app(`DO $do$ BEGIN
      FOR try IN 1..20000 LOOP
        PERFORM pg_stat_clear_snapshot();
        IF EXISTS (SELECT FROM pg_stat_get_activity(NULL) WHERE usesysid = 10
            AND datid = (SELECT oid FROM pg_database WHERE datname = 'myapp')) THEN
          ALTER DATABASE myapp SET client_encoding = 'GBK';
          COMMIT;
          RETURN;
        END IF;
        PERFORM pg_sleep(0.001);
      END LOOP;
    END $do$`);
    try {
      const before = primary.logs().length;
      cluster.generatedPasswords = { ...cluster.generatedPasswords, READONLY_PASSWORD: "readonly-secret-2" };
      await primary.writeSecrets();
      await until("the rights", () => /readonly may read .*new rights/.test(primary.logs().slice(before)), 60);
      await lurking;
      expect(await primary.sql("SELECT setconfig FROM pg_db_role_setting", "postgres")).to.contain("GBK");
      expect(existsSync(proof), "a program of the owner's has run").to.equal(false);
    } finally {
      rmSync(proof, { force: true });
      await app("ALTER DATABASE myapp RESET client_encoding");
    }
  });

  it("takes no rights away from the superuser's sessions, and gives them no functions and no quotes of its own", async () => {
    for (const setting of ["role = 'appuser'", "search_path = public", "standard_conforming_strings = off"])
      await app(`ALTER DATABASE myapp SET ${setting}`);
    await app("CREATE FUNCTION public.count() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'");
    await primary.sql(
      "CREATE TABLE public.gift (id int); ALTER TABLE public.gift OWNER TO appuser; REVOKE ALL ON public.gift FROM readonly",
      "myapp",
    );
    await again(/readonly may read .*\(1 new rights\)/);
    const { stdout, stderr } = await primary.login(
      "readonly",
      "readonly-secret-2",
      "myapp",
      "SELECT count(*) FROM public.gift",
    );
    expect(stdout, stderr).to.equal("0");
  });
});
