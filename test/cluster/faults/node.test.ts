import { expect } from "chai";
import { eventually } from "../kubernetes";
import { TestStack } from "../stack";
import { fewTries, hurt, longTries } from "./fault";
import { restartServer } from "./node-faults";
import { OwnCluster } from "./own-cluster";
import { podProcesses, signal } from "./processes";

describe("a cluster whose node is hurt while a client writes", function () {
  this.timeout(`${6 + 2 * fewTries} minutes`);
  let cluster: OwnCluster;

  before(async () => {
    const stack = await TestStack.create("node-faults", { replicas: 3 });
    cluster = new OwnCluster(stack);
    await stack.up();
  });
  after(() => cluster.stack.remove());

  it("does not notice a restart of the container runtime", () =>
    hurt(cluster, {
      title: "container runtime killed and started",
      tries: fewTries,
      most: 2,
      provoke: () => restartServer("containerd"),
    }));

  it("does not notice a restart of the kubelet", () =>
    hurt(cluster, {
      title: "kubelet killed and started",
      tries: fewTries,
      most: 2,
      provoke: () => restartServer("kubelet"),
    }));

  it("survives the kill of a backend", () =>
    hurt(cluster, {
      title: "backend killed (SIGKILL)",
      tries: fewTries,
      most: 3,
      provoke: async ({ namespace }) => {
        const uid = await cluster.uid();
        const asleep = namespace.superuser("postgres-0", "select pg_sleep(60)").catch((error: Error) => error.message);
        const backend = "select pid from pg_stat_activity where query = 'select pg_sleep(60)'";
        const victim = await eventually("the process of the session that sleeps", async () => {
          const pid = Number(await namespace.superuser("postgres-0", backend));
          return podProcesses(uid).find(({ program, inside }) => program === "postgres" && inside === pid);
        });
        signal([victim], "SIGKILL");
        expect(await asleep).to.contain("server closed the connection unexpectedly");
      },
    }));

  it("is drained one pod at a time", () =>
    hurt(cluster, {
      title: "primary's pod evicted, as by a drain",
      tries: fewTries,
      most: 5,
      provoke: async ({ namespace }) => {
        await eventually("leave for the primary", () => namespace.evict("postgres-0").then(() => true));
        const second = await namespace.evict("postgres-1").catch((error: Error) => error.message);
        expect(second).to.match(/disruption budget/);
      },
    }));

  it("has a replica back that was deleted by force", () =>
    hurt(cluster, {
      title: "replica's pod deleted by force",
      tries: fewTries,
      most: 1,
      provoke: ({ namespace }) => namespace.kubectl("delete", "pod", "postgres-1", "--force", "--grace-period=0"),
    }));

  it("has all three pods back that were deleted by force at once", () =>
    hurt(cluster, {
      title: "all pods deleted by force",
      tries: fewTries,
      most: 10,
      provoke: ({ namespace }) =>
        namespace.kubectl("delete", "pods", "-l", "app=postgres", "--force", "--grace-period=0"),
    }));

  it("has all three pods back whose processes were all killed at once", () =>
    hurt(cluster, {
      title: "all processes of all pods killed",
      tries: longTries,
      most: 90,
      provoke: async ({ namespace }) => {
        const pods = await namespace.pods();
        signal(
          pods.flatMap(({ metadata }) => podProcesses(metadata.uid)),
          "SIGKILL",
        );
      },
    }));
});
