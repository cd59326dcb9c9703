import { expect } from "chai";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import { AppStack, type Notes } from "./app-stack";
import { eventually } from "./kubernetes";
import { TestStack } from "./stack";

/** A client of the app: it sends each note again until it is acknowledged, and remembers, outside the database, which were. */
class NoteLedger {
  readonly acknowledged: string[] = [];
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(app: AppStack) {
    this.running = (async () => {
      for (let number = 0; !this.stopped; ) {
        const note = { id: `ledger-${number}`, text: "kept" };
        if ((await app.post(note)) === 201) {
          this.acknowledged.push(note.id);
          number += 1;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
  }

  /** Resolves when so many more notes are acknowledged. */
  async grows(count: number): Promise<void> {
    const target = this.acknowledged.length + count;
    await eventually(`${count} acknowledged notes`, async () =>
      this.acknowledged.length >= target ? true : undefined,
    );
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }
}

describe("an app in a project, a stack and a namespace of its own", function () {
  this.timeout("4 minutes");
  let cluster: TestStack;
  let app: AppStack;

  before(async () => {
    cluster = await TestStack.create("shared", { replicas: 2 });
    app = await AppStack.create(cluster);
  });
  after(async () => {
    await app.remove();
    await cluster.remove();
  });

  /** The cluster's stack says who may connect from other namespaces. */
  const letIn = (): Record<string, ConfigValue> => ({ networkPolicy: { clients: [{ namespace: app.name }] } });

  it("is told at preview that the cluster's stack is not deployed, or not there", async () => {
    const missing = "organization/kubernetes-postgres/misspelt";
    for (const [stack, words] of [
      [`organization/kubernetes-postgres/${cluster.name}`, /No database can be had.*not deployed[\s\S]*What to do/s],
      [missing, /No database can be had.*no such stack[\s\S]*What to do/s],
    ] as const) {
      const failure = await app.previewWith(stack).then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect(failure).to.match(words);
      expect(failure).to.not.match(/\n\s+at /);
    }
  });

  it("writes on the primary and reads on a replica", async () => {
    await cluster.up(letIn());
    await app.up();
    expect(await app.post({ id: "first", text: "hello" })).to.equal(201);
    const stored = await cluster.namespace.psql("postgres-0", "select text from notes where id = 'first'");
    expect(stored).to.equal("hello");
    const read = await eventually<Notes>("the note on the replica", async () => {
      const answer = await app.read();
      return answer?.notes.length === 1 ? answer : undefined;
    });
    expect(read).to.deep.include({ fromReplica: true });
    expect(await app.state())
      .to.include("PGSERVICEFILE")
      .and.not.include(cluster.password());
  });

  it("loses no acknowledged note by a renewed password and the loss of the primary, and is not restarted", async () => {
    const { namespace } = cluster;
    const before = await app.pod();
    const old = await app.password();
    expect(old).to.equal(cluster.password());
    const ledger = new NoteLedger(app);
    try {
      await ledger.grows(5);
      await cluster.up({ ...letIn(), passwordGeneration: 2 });
      await app.up();
      await Promise.all([namespace.refreshFiles("app=postgres"), app.namespace.refreshFiles("app=notes")]);
      await eventually("the new password in the app's pod", async () =>
        (await app.password()) === old ? undefined : true,
      );
      await ledger.grows(5);
      await namespace.kubectl("delete", "pod", "postgres-0");
      await ledger.grows(5);
    } finally {
      await ledger.stop();
    }
    const stored = (await namespace.psql("postgres-0", "select id from notes")).split("\n");
    expect(ledger.acknowledged.filter((id) => !stored.includes(id))).to.deep.equal([]);
    // The reading connection is made anew, too, with the new password.
    await namespace.superuser(
      "postgres-1",
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'appuser'",
    );
    const read = await eventually("a reading with the new password", () => app.read());
    expect(read.fromReplica).to.equal(true);
    expect(await app.pod()).to.deep.equal(before);
  });
});
