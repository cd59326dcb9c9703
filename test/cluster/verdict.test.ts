import { expect } from "chai";
import type { Verdict } from "../../components/postgres/verdict/types";
import { verdictOf } from "../../components/postgres/verdict/verdict";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import { plannedChanges } from "../../local/verdict/plan";
import { readPlan } from "../../local/verdict/step";
import { eventually } from "./kubernetes";
import { Ledger, type Settled } from "./ledger";
import { TestStack } from "./stack";

/** What an edit may do to pods: their uid, and when their server started. */
type Pods = Record<string, { uid: string; started: string }>;

/** What happened while an edit was applied. */
interface Observed {
  verdict: Verdict;
  before: Pods;
  after: Pods;
  /** Pods in the order in which they vanished. */
  gone: string[];
  settled: Settled;
}

// A write every 100 ms takes longer now and then on a busy machine; a restart of the primary takes more than this.
const noPauseSeconds = 1;
// The pause is about 2 s where nothing else is done.
const longestPauseSeconds = 6;

describe("a verdict is what then happens", function () {
  this.timeout("8 minutes");
  let stack: TestStack;
  /** Edits add up. */
  let settings: Record<string, ConfigValue> = {};

  before(async () => {
    stack = await TestStack.create("verdict", { replicas: 2 });
    await stack.up({}, { volumes: 3 });
  });
  after(() => stack.remove());

  async function pods(): Promise<Pods> {
    const found = await stack.namespace.pods();
    const entries = found.map(async ({ metadata: { name, uid } }): Promise<[string, Pods[string]]> => {
      const started = await stack.namespace.superuser(name, "select pg_postmaster_start_time()");
      return [name, { uid, started }];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async function apply(edit: Record<string, ConfigValue>): Promise<Observed> {
    const { namespace, dns } = stack;
    settings = { ...settings, ...edit };
    const verdict = verdictOf(stack.name, plannedChanges((await stack.preview(settings)).plan));
    const before = await pods();
    const { host } = stack.outputs.primary;
    const login = { host, database: "myapp", user: "appuser", password: stack.password() };
    const ledger = await Ledger.start(dns, () => login);
    const watch = namespace.watchDeletions();
    try {
      await stack.up(settings, { volumes: 3 });
      await ledger.writes(5);
    } finally {
      await ledger.stop();
    }
    const [gone, settled] = [await watch.stop(), await ledger.settle()];
    return { verdict, before, after: await pods(), gone, settled };
  }

  /** Compares what the verdict said of pods and writers with what happened to them. */
  function expectRight({ verdict, before, after, gone, settled }: Observed): void {
    const { restarted, added, removed, perhaps } = verdict.pods;
    expect(perhaps, "pods of which the verdict is not sure").to.deep.equal([]);
    expect(gone, "pods that vanished, in order").to.deep.equal([...removed, ...restarted]);
    const names = [...Object.keys(before), ...added].filter((name) => !removed.includes(name));
    expect(Object.keys(after)).to.have.members(names);
    for (const name of names.filter((one) => !added.includes(one))) {
      const same = expect(after[name], name).to;
      if (restarted.includes(name)) same.not.deep.equal(before[name]);
      else same.deep.equal(before[name]);
    }
    expect(settled.lost).to.deep.equal([]);
    if (/one pause/.test(verdict.interruption.writers)) {
      expect(settled.gap, "pause in seconds").to.be.within(0.3, longestPauseSeconds);
    } else expect(settled.gap, "pause in seconds").to.be.lessThan(noPauseSeconds);
  }

  it("none: a canary is asked for before anything changes", async () => {
    const observed = await apply({ updateStrategy: { partition: 1 } });
    expect(observed.verdict).to.deep.include({ classes: ["none"], outcome: "changes" });
    expectRight(observed);
  });

  it("restart of the canary: a parameter that needs it, held back from the primary", async () => {
    const observed = await apply({ parameters: { max_connections: "30" } });
    expect(observed.verdict.classes).to.include("restart");
    expect(observed.verdict.pods).to.deep.include({ restarted: ["postgres-1"], held: ["postgres-0"] });
    expectRight(observed);
  });

  it("restart of the primary: the end of the canary, which writers notice", async () => {
    const observed = await apply({ updateStrategy: { partition: 0 } });
    expect(observed.verdict.pods.restarted).to.deep.equal(["postgres-0"]);
    expectRight(observed);
    expect(await stack.namespace.superuser("postgres-0", "show max_connections")).to.equal("30");
  });

  it("reload: the same servers take a parameter over", async () => {
    const observed = await apply({ parameters: { max_connections: "30", work_mem: "1234kB" } });
    expect(observed.verdict.classes).to.deep.equal(["reload"]);
    expectRight(observed);
    for (const pod of ["postgres-0", "postgres-1"]) {
      const show = async () => (await stack.namespace.superuser(pod, "show work_mem")) === "1234kB" || undefined;
      await eventually(`the new setting in ${pod}`, show, 120);
    }
    expect(await pods()).to.deep.equal(observed.before);
  });

  it("scale: a pod more, then a pod less whose claim stays", async () => {
    const more = await apply({ replicas: 3 });
    expect(more.verdict).to.deep.include({ classes: ["scale"] });
    expect(more.verdict.pods.added).to.deep.equal(["postgres-2"]);
    expectRight(more);
    const claims = await stack.namespace.claims();
    const less = await apply({ replicas: 2 });
    expect(less.verdict.pods.removed).to.deep.equal(["postgres-2"]);
    expectRight(less);
    expect(await stack.namespace.claims()).to.deep.equal(claims);
  });

  it("is the same from a plan that Pulumi's own CLI prints", async () => {
    const edit = { ...settings, replicas: 3, parameters: { max_connections: "35" }, passwordGeneration: 2 };
    const plan = readPlan(await stack.plainPlan(edit));
    if (plan === undefined) throw new Error("Pulumi printed no plan");
    const printed = verdictOf(stack.name, plannedChanges(plan));
    const heard = verdictOf(stack.name, plannedChanges((await stack.preview(edit)).plan));
    expect(printed).to.deep.equal(heard);
    expect(printed.classes).to.deep.equal(["restart", "scale", "reload"]);
  });

  it("names what was changed and deleted by hand, and finds nothing to say of a cluster that is as it was asked for", async () => {
    const service = stack.outputs.primary.host.split(".")[0] ?? "";
    await stack.namespace.kubectl("delete", "poddisruptionbudget", "postgres");
    await stack.namespace.kubectl("delete", "service", service);
    await stack.namespace.kubectl("scale", "statefulset/postgres", "--replicas=1");
    const plan = plannedChanges((await stack.preview(settings)).plan);
    const { resources, pods: changed, interruption } = verdictOf(stack.name, plan);
    const found = resources.map(({ change, kind }) => `${change} ${kind}`);
    expect(found).to.have.members(["create PodDisruptionBudget", "create Service", "update StatefulSet"]);
    expect(changed.added).to.deep.equal(["postgres-1"]);
    const writers = `can connect once there is what is missing now: Service ${stack.name}/${service}`;
    expect(interruption).to.deep.equal({ writers, readers: "nothing" });
    await stack.up(settings);
    expect(Object.keys(await pods())).to.deep.equal(["postgres-0", "postgres-1"]);
    const { outcome } = verdictOf(stack.name, plannedChanges((await stack.preview(settings)).plan));
    expect(outcome).to.equal("nothing");
  });
});
