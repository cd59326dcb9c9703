import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect } from "chai";
import { eventually } from "./kubernetes";
import { Ledger } from "./ledger";
import { TestStack } from "./stack";

describe("a cluster that is hurt while a client writes", function () {
  this.timeout("7 minutes");
  let stack: TestStack;
  const report: string[] = [];

  before(async () => {
    stack = await TestStack.create("faults", { replicas: 3 });
    await stack.up();
  });
  after(() => {
    console.log(report.map((line) => `      ${line}`).join("\n"));
    return stack.remove();
  });

  /** Hurts the cluster under load; every acknowledged row must be there afterwards and both replicas must stream. */
  async function hurt(title: string, fault: () => Promise<unknown>, mostSeconds: number): Promise<void> {
    const ledger = await Ledger.start(stack.dns, { dsn: stack.outputs.connectionUri });
    await fault();
    await ledger.writes(20);
    const { rows, gap } = await ledger.settle();
    await stack.namespace.allStreaming("postgres-1", "postgres-2");
    report.push(`${title}: longest gap ${gap.toFixed(2)} s, ${rows} acknowledged rows, 0 lost`);
    expect(gap).to.be.lessThan(mostSeconds);
  }

  it("has a postmaster killed from outside back in the same container", async () => {
    const restarts = () =>
      stack.namespace.kubectl("get", "pod", "postgres-0", "-o", "jsonpath={.status.containerStatuses[0].restartCount}");
    const before = await restarts();
    await hurt("postmaster SIGKILL", async () => process.kill(await postmasterOf(stack, "postgres-0"), "SIGKILL"), 5);
    expect(await restarts()).to.equal(before);
  });

  it("loses nothing when the primary's pod is deleted by force", () =>
    hurt(
      "primary deleted by force",
      () => stack.namespace.kubectl("delete", "pod", "postgres-0", "--force", "--grace-period=0"),
      20,
    ));

  it("loses nothing when the primary's pod is deleted in order", () =>
    hurt("primary deleted", () => stack.namespace.kubectl("delete", "pod", "postgres-0"), 20));

  it("clones a replica whose volume is lost", () =>
    hurt("replica's volume lost", () => loseVolume(stack, "postgres-1"), 5));

  it("never makes an empty database of a lost primary volume; recoverPrimaryFrom builds it from a replica", async () => {
    const { namespace } = stack;
    await namespace.psql("postgres-0", "create table kept (id int); insert into kept values (1)");
    await eventually("the row on postgres-1", async () =>
      (await namespace.psql("postgres-1", "select id from kept")) === "1" ? true : undefined,
    );
    await loseVolume(stack, "postgres-0");
    await recover(stack);
    await namespace.psql("postgres-0", "insert into kept values (2)");
    await namespace.allStreaming("postgres-1", "postgres-2");
    await eventually("the new row on postgres-2", async () =>
      (await namespace.psql("postgres-2", "select count(*) from kept")) === "2" ? true : undefined,
    );
  });
});

/** Does what the failing primary's last words say, and waits until it serves what the replicas held. */
async function recover(stack: TestStack): Promise<void> {
  const { namespace } = stack;
  const words = await eventually("the refusal", async () => {
    const log = await namespace.kubectl("logs", "postgres-0");
    return log.includes("recoverPrimaryFrom") ? log : undefined;
  });
  expect(words).to.match(/volume of postgres-0 is empty[\s\S]*most advanced replica is postgres-[12]/);
  await stack.up({ recoverPrimaryFrom: Number(/most advanced replica is postgres-(\d)/.exec(words)?.[1]) });
  const rows = () => namespace.psql("postgres-0", "select count(*) from kept where id = 1");
  await eventually("the rows on the new primary", async () => ((await rows()) === "1" ? true : undefined), 240);
}

/** Deletes a pod with its claim and makes a new, empty volume: what a lost disk is to a StatefulSet. */
async function loseVolume(stack: TestStack, pod: string): Promise<void> {
  const { namespace } = stack;
  const claim = (await namespace.claims())[`data-${pod}`]?.uid ?? "";
  await namespace.kubectl("delete", "pvc", `data-${pod}`, "--wait=false");
  await namespace.kubectl("delete", "pod", pod);
  await volumeReleased(stack, claim);
  await stack.provideVolumes();
}

/** Waits until the control plane knows that a deleted claim's volume is no longer in use. */
async function volumeReleased(stack: TestStack, claim: string): Promise<void> {
  await eventually("the release of the volume", async () => {
    const { items } = await stack.namespace.json<{
      items: { spec: { claimRef?: { uid?: string } }; status: { phase: string } }[];
    }>("get", "persistentvolumes");
    const bound = items.some(({ spec, status }) => spec.claimRef?.uid === claim && status.phase === "Bound");
    return bound ? undefined : true;
  });
}

/** The postmaster of a pod as this machine sees it: the child of the container's process 1. */
async function postmasterOf(stack: TestStack, pod: string): Promise<number> {
  const { metadata } = await stack.namespace.pod(pod);
  const uid = metadata.uid;
  const inPod = (pid: string): boolean => readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(uid);
  const isServer = (pid: string): boolean => readlinkSync(`/proc/${pid}/exe`).endsWith("/postgres");
  const parentIsServer = (pid: string): boolean => {
    const parent = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "1";
    return isServer(parent);
  };
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (inPod(pid) && isServer(pid) && !parentIsServer(pid)) return Number(pid);
    } catch {
      // It ended meanwhile, or it is a thread of the kernel.
    }
  }
  throw new Error(`no postmaster of ${pod} runs here`);
}
