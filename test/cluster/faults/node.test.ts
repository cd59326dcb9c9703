import { expect } from "chai";
import { eventually } from "../kubernetes";
import { TestStack } from "../stack";
import { fewTries, hurt, longTries } from "./fault";
import { cutNetwork, restartServer } from "./node-faults";
import { OwnCluster } from "./own-cluster";
import { containerProcesses, podProcesses, signal } from "./processes";

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

describe("a cluster whose node is hurt while a client writes", function () {
  this.timeout(`${8 + 2 * fewTries + 2 * longTries} minutes`);
  let cluster: OwnCluster;

  before(async () => {
    const stack = await TestStack.create("node-faults", { replicas: 3 });
    cluster = new OwnCluster(stack);
    await stack.up();
  });
  after(() => cluster.stack.remove());

  const restarts = (pod: string): Promise<string> =>
    cluster.namespace.kubectl("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].restartCount}");

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
        const backends = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'";
        await eventually("the backend", async () =>
          (await namespace.superuser("postgres-0", backends)) === "1" ? true : undefined,
        );
        // The youngest one is the sleeping session's, or the writer's: either makes the server start over.
        const servers = podProcesses(uid).filter(({ program }) => program === "postgres");
        signal(servers.slice(-1), "SIGKILL");
        expect(await asleep).to.match(/server closed the connection|terminating connection|connection to server/);
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

  it("keeps a replica that was cut off for a minute, without a new clone", () =>
    hurt(cluster, {
      title: "replica's network cut for 60 s",
      tries: longTries,
      most: 2,
      provoke: async ({ namespace }) => {
        const { status } = await namespace.pod("postgres-2");
        const before = await restarts("postgres-2");
        const over = await cutNetwork(status.podIP ?? "", 60);
        await namespace.allStreaming("postgres-1", "postgres-2");
        expect(await restarts("postgres-2")).to.equal(before);
        expect(await namespace.kubectl("logs", "postgres-2", "--since=90s")).not.to.contain("cloning");
        return over;
      },
    }));

  it("goes on when the primary's network is back after a minute", () =>
    hurt(cluster, {
      title: "primary's network cut for 60 s",
      tries: longTries,
      stopsWrites: true,
      most: 10,
      provoke: async ({ namespace }) => cutNetwork((await namespace.pod("postgres-0")).status.podIP ?? "", 60),
    }));

  it("goes on when a primary that was frozen for a minute moves again", () =>
    hurt(cluster, {
      title: "primary frozen (SIGSTOP) for 60 s",
      tries: longTries,
      stopsWrites: true,
      most: 15,
      provoke: async () => {
        const uid = await cluster.uid();
        const frozen = containerProcesses(uid);
        signal(frozen, "SIGSTOP");
        await sleep(60);
        signal(frozen, "SIGCONT");
        return Date.now();
      },
    }));
});
