import { expect } from "chai";
import { psycopg2 } from "./client";
import { conditionTime, eventually } from "./kubernetes";
import { TestStack } from "./stack";

describe("a cluster of three", function () {
  this.timeout("6 minutes");
  let stack: TestStack;
  let password: string;

  before(async () => {
    stack = await TestStack.create("main-job", { replicas: 3 });
    await stack.up();
    password = stack.password();
  });
  after(() => stack.remove());

  it("has three Ready pods, each started when the one before was ready", async () => {
    const pods = await stack.namespace.pods();
    expect(pods.map(({ metadata }) => metadata.name)).to.deep.equal(["postgres-0", "postgres-1", "postgres-2"]);
    for (const pod of pods) expect(conditionTime(pod, "Ready"), pod.metadata.name).to.be.a("number").that.is.not.NaN;
    for (const [index, pod] of pods.slice(1).entries()) {
      const before = pods[index];
      expect(before && Date.parse(pod.metadata.creationTimestamp) >= conditionTime(before, "Ready")).to.equal(true);
    }
  });

  it("streams to both replicas", () => stack.namespace.allStreaming("postgres-1", "postgres-2"));

  it("takes a row on the primary, reads it on both replicas, and refuses one there", async () => {
    const { namespace } = stack;
    await namespace.psql("postgres-0", "create table visits (id int primary key); insert into visits values (1)");
    for (const replica of ["postgres-1", "postgres-2"]) {
      await eventually(`the row on ${replica}`, async () =>
        (await namespace.psql(replica, "select id from visits")) === "1" ? true : undefined,
      );
      const refusal = await namespace
        .psql(replica, "insert into visits values (2)")
        .catch((error: Error) => error.message);
      expect(refusal).to.contain("cannot execute INSERT in a read-only transaction");
    }
  });

  it("gives every pod the DNS name that is its endpoint, and knows itself by it", async () => {
    for (const { pod, ordinal, role, host } of stack.outputs.endpoints) {
      expect(host).to.equal(`${pod}.postgres-svc.${stack.namespace.name}.svc.cluster.local`);
      expect(role).to.equal(ordinal === 0 ? "primary" : "replica");
      expect((await stack.namespace.kubectl("exec", pod, "--", "hostname")).trim()).to.equal(pod);
      const [address] = (await stack.namespace.kubectl("exec", "postgres-1", "--", "getent", "hosts", host)).split(
        /\s+/,
      );
      expect(address).to.equal((await stack.namespace.pod(pod)).status.podIP);
    }
  });

  it("has a bound claim for each pod, of the class in the outputs", async () => {
    const claims = await stack.namespace.claims();
    expect(Object.keys(claims)).to.deep.equal(["data-postgres-0", "data-postgres-1", "data-postgres-2"]);
    for (const claim of Object.values(claims)) {
      expect(claim).to.include({ phase: "Bound", storageClass: stack.outputs.storageClassName });
    }
  });

  it("answers the field's usual commands", async () => {
    const { namespace } = stack;
    expect(await namespace.kubectl("get", "statefulset", "postgres")).to.match(/postgres\s+3\/3/);
    expect((await namespace.kubectl("get", "pods", "-l", "app=postgres")).match(/1\/1\s+Running/g)).to.have.length(3);
    expect(await namespace.kubectl("get", "pvc")).to.match(/data-postgres-2\s+Bound/);
    expect(await namespace.kubectl("logs", "postgres-0")).to.contain("ready to accept connections");
    const user = ["psql", "-U", "appuser", "-d", "myapp", "-Atc", "select current_user"];
    expect(await namespace.kubectl("exec", "postgres-0", "--", ...user)).to.equal("appuser\n");
  });

  it("lets psycopg2 in at the primary, at a named replica, and by both URIs, with the password only", async () => {
    const { outputs, dns } = stack;
    const [primary, replica] = outputs.endpoints;
    const login = { database: outputs.database, user: outputs.user, password };
    const where = "select pg_is_in_recovery()";
    expect(await psycopg2(dns, { ...login, host: primary?.host ?? "" }, where)).to.deep.equal([["False"]]);
    expect(await psycopg2(dns, { ...login, host: replica?.host ?? "" }, where)).to.deep.equal([["True"]]);
    expect(await psycopg2(dns, { ...login, host: outputs.primary.host }, where)).to.deep.equal([["False"]]);
    expect(await psycopg2(dns, { dsn: outputs.connectionUri }, where)).to.deep.equal([["False"]]);
    expect(await psycopg2(dns, { dsn: outputs.readOnlyUri }, where)).to.deep.equal([["True"]]);
    const wrong = await psycopg2(dns, { ...login, host: outputs.primary.host, password: "wrong" }, where).catch(
      (error: Error) => error.message,
    );
    expect(wrong).to.contain("password authentication failed");
  });

  it("has nothing left to change, and shows no password while it says so", async () => {
    const plan = await stack.preview();
    expect(plan.changes).to.deep.equal([]);
    expect(plan.unchanged).to.be.greaterThan(10);
    const changed = await stack.preview({ passwordGeneration: 2, replicas: 2 });
    expect(changed.changes.map(({ kind }) => kind)).to.include.members(["RandomPassword", "Secret", "StatefulSet"]);
    expect(JSON.stringify(changed)).to.not.contain(password);
  });

  it("gives a deleted pod its own volume and rows back", async () => {
    const { namespace } = stack;
    for (const pod of ["postgres-1", "postgres-0"]) {
      const claim = (await namespace.claims())[`data-${pod}`]?.uid;
      await namespace.replace(pod);
      expect((await namespace.claims())[`data-${pod}`]?.uid).to.equal(claim);
      expect(await namespace.psql(pod, "select id from visits")).to.equal("1");
    }
    await namespace.allStreaming("postgres-1", "postgres-2");
  });

  it("scales to one and back: the last pod goes first, claims stay, replicas catch up", async () => {
    const { namespace } = stack;
    const claims = await namespace.claims();
    const watch = namespace.watchDeletions();
    await stack.up({ replicas: 1 });
    await eventually("one pod", async () => ((await namespace.pods()).length === 1 ? true : undefined));
    expect(await watch.stop()).to.deep.equal(["postgres-2", "postgres-1"]);
    expect(stack.outputs.endpoints.map(({ pod }) => pod)).to.deep.equal(["postgres-0"]);
    await namespace.psql("postgres-0", "insert into visits values (3)");
    // A single pod must not keep its node from being drained.
    const { uid } = (await namespace.pod("postgres-0")).metadata;
    await eventually("leave for the only pod", () => namespace.evict("postgres-0").then(() => true));
    await namespace.replaced("postgres-0", uid);
    await stack.up({ replicas: 3 });
    expect(await namespace.claims()).to.deep.equal(claims);
    await namespace.allStreaming("postgres-1", "postgres-2");
    for (const replica of ["postgres-1", "postgres-2"]) {
      await eventually(`the row on ${replica}`, async () =>
        (await namespace.psql(replica, "select count(*) from visits")) === "2" ? true : undefined,
      );
    }
  });

  it("takes a setting that PostgreSQL can reload without a restart, and restarts for one that it cannot", async () => {
    const { namespace } = stack;
    const started = () => namespace.superuser("postgres-0", "select pg_postmaster_start_time()");
    const uid = async () => (await namespace.pod("postgres-0")).metadata.uid;
    const [start, pod] = [await started(), await uid()];
    await stack.up({ parameters: { work_mem: "3MB" } });
    await eventually(
      "the reload",
      async () => ((await namespace.superuser("postgres-0", "show work_mem")) === "3MB" ? true : undefined),
      90,
    );
    expect(await started()).to.equal(start);
    expect(await uid()).to.equal(pod);
    await stack.up({ parameters: { work_mem: "3MB", max_locks_per_transaction: "72" } });
    expect(await namespace.superuser("postgres-0", "show max_locks_per_transaction")).to.equal("72");
    expect(await uid()).to.not.equal(pod);
    await namespace.allStreaming("postgres-1", "postgres-2");
  });

  it("renews its passwords without a restart", async () => {
    const { namespace, dns } = stack;
    await stack.up();
    const started = await namespace.superuser("postgres-0", "select pg_postmaster_start_time()");
    const old = stack.outputs.connectionUri;
    await stack.up({ passwordGeneration: 2 });
    const fresh = stack.outputs.connectionUri;
    expect(fresh).to.not.equal(old);
    await eventually("the new password", () => psycopg2(dns, { dsn: fresh }, "select 1"), 120);
    const refused = await psycopg2(dns, { dsn: old }, "select 1").catch((error: Error) => error.message);
    expect(refused).to.contain("password authentication failed");
    expect(await namespace.superuser("postgres-0", "select pg_postmaster_start_time()")).to.equal(started);
    await namespace.allStreaming("postgres-1", "postgres-2");
  });

  it("comes back from down and up with its rows, and the new outputs' password works", async () => {
    const { namespace, dns } = stack;
    const rows = await namespace.psql("postgres-0", "select array_agg(id order by id) from visits");
    const claims = await namespace.claims();
    const old = stack.outputs.connectionUri;
    await stack.down();
    expect(await namespace.pods()).to.deep.equal([]);
    expect(await namespace.claims()).to.deep.equal(claims);
    await stack.up({ replicas: 3 });
    expect(stack.outputs.connectionUri).to.not.equal(old);
    const connect = { dsn: stack.outputs.connectionUri };
    const read = await psycopg2(dns, connect, "select array_agg(id order by id)::text from visits");
    expect(read).to.deep.equal([[rows]]);
    await namespace.allStreaming("postgres-1", "postgres-2");
  });
});
