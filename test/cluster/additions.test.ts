import { expect } from "chai";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import { psycopg2 } from "./client";
import { containerProcesses, signal } from "./faults/processes";
import { takenBack } from "./faults/taken-back";
import { eventually } from "./kubernetes";
import { TestStack } from "./stack";

const settings: Record<string, ConfigValue> = {
  roles: [{ name: "reader", memberOf: ["appuser"] }],
  databases: [{ name: "reports", owner: "reader" }],
  extensions: [{ name: "pg_trgm" }, { name: "hstore", database: "reports" }],
  synchronousReplicas: 1,
};

describe("a cluster with data that gets roles, databases, extensions and a synchronous replica", function () {
  this.timeout("6 minutes");
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.create("additions", { replicas: 3 });
    await stack.up();
    await stack.namespace.psql("postgres-0", "create table visits (id int primary key); insert into visits values (1)");
  });
  after(() => stack.remove());

  /** Changes whenever a pod, its container or its server starts again. */
  async function starts(): Promise<string[]> {
    const { namespace } = stack;
    const pods = (await namespace.pods()).map(({ metadata }) => `${metadata.name} ${metadata.uid}`);
    const servers = ["postgres-0", "postgres-1", "postgres-2"].map((pod) =>
      namespace.superuser(pod, "select pg_postmaster_start_time()"),
    );
    return [...pods, ...(await Promise.all(servers))];
  }

  it("makes them all in the running primary, and restarts nothing", async () => {
    const { namespace, dns } = stack;
    const before = await starts();
    await stack.up(settings);
    const secret = await namespace.json<{ data: Record<string, string> }>("get", "secret", stack.outputs.secretName);
    const password = Buffer.from(secret.data.PASSWORD_reader ?? "", "base64").toString();
    const login = { host: stack.outputs.primary.host, user: "reader", password };
    const visits = () => psycopg2(dns, { ...login, database: "myapp" }, "select id, similarity('a', 'a') from visits");
    expect(await eventually("the role and the extension", visits, 150)).to.deep.equal([["1", "1.0"]]);
    const where = "select current_database(), extname from pg_extension where extname = 'hstore'";
    const reports = () => psycopg2(dns, { ...login, database: "reports" }, where);
    expect(await eventually("the database and its extension", reports)).to.deep.equal([["reports", "hstore"]]);
    expect(await starts()).to.deep.equal(before);
  });

  it("lets commits wait for a replica, and goes on while one of the two is away", async () => {
    const { namespace } = stack;
    const states = "select application_name, sync_state from pg_stat_replication order by 1";
    await eventually(
      "the reload",
      async () =>
        (await namespace.superuser("postgres-0", states)) === "postgres-1|quorum\npostgres-2|quorum" ? true : undefined,
      120,
    );
    const frozen = containerProcesses((await namespace.pod("postgres-1")).metadata.uid);
    await takenBack(
      () => signal(frozen, "SIGCONT"),
      async () => {
        signal(frozen, "SIGSTOP");
        await namespace.allStreaming("postgres-2");
        const started = Date.now();
        await namespace.psql("postgres-0", "insert into visits values (2)");
        expect((Date.now() - started) / 1000, "seconds").to.be.lessThan(5);
        expect(await namespace.streaming()).to.deep.equal(["postgres-2"]);
      },
    );
    await namespace.allStreaming("postgres-1", "postgres-2");
  });

  it("has nothing left to change", async () => {
    expect((await stack.preview(settings)).changes).to.deep.equal([]);
  });
});
