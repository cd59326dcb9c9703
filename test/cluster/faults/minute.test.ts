import { expect } from "chai";
import { TestStack } from "../stack";
import { type Fault, hurt, longTries } from "./fault";
import { cutNetwork } from "./node-faults";
import { OwnCluster } from "./own-cluster";
import { containerProcesses, signal } from "./processes";
import { takenBack } from "./taken-back";

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const faults: Fault<OwnCluster>[] = [
  {
    title: "replica's network cut for 60 s",
    tries: longTries,
    most: 2,
    provoke: async ({ namespace }) => {
      const restarts = (): Promise<string> =>
        namespace.kubectl("get", "pod", "postgres-2", "-o", "jsonpath={.status.containerStatuses[0].restartCount}");
      const before = await restarts();
      const begun = new Date().toISOString();
      const over = await cutNetwork((await namespace.pod("postgres-2")).status.podIP ?? "", 60);
      await namespace.allStreaming("postgres-1", "postgres-2");
      expect(await restarts()).to.equal(before);
      expect(await namespace.kubectl("logs", "postgres-2", `--since-time=${begun}`)).not.to.contain("cloning");
      return over;
    },
  },
  {
    title: "primary's network cut for 60 s",
    tries: longTries,
    stopsWrites: true,
    most: 15,
    provoke: async ({ namespace }) => cutNetwork((await namespace.pod("postgres-0")).status.podIP ?? "", 60),
  },
  {
    title: "primary frozen (SIGSTOP) for 60 s",
    tries: longTries,
    stopsWrites: true,
    // A minute is about as long as the liveness probe waits: often the container is restarted at the end. The first
    // restart takes up to 20 s, and before those of later tries the kubelet waits 10 and 20 s longer.
    most: 45,
    provoke: async (cluster) => {
      const frozen = containerProcesses(await cluster.uid());
      await takenBack(
        () => signal(frozen, "SIGCONT"),
        async () => {
          signal(frozen, "SIGSTOP");
          await sleep(60);
        },
      );
      return Date.now();
    },
  },
];

// Each on a cluster of its own, all at the same time: they only wait.
describe("a cluster that is hurt for a minute while a client writes", function () {
  this.timeout(`${4 + 3 * longTries} minutes`);
  let clusters: OwnCluster[] = [];
  let outcomes: Promise<PromiseSettledResult<void>[]>;

  before(async () => {
    const created = faults.map((_, index) => TestStack.create(`minute-${index}`, { replicas: 3 }));
    clusters = (await Promise.all(created)).map((stack) => new OwnCluster(stack));
    await Promise.all(clusters.map(({ stack }) => stack.up()));
    outcomes = Promise.allSettled(
      clusters.map(async (cluster, index) => {
        const fault = faults[index];
        if (fault !== undefined) await hurt(cluster, fault);
      }),
    );
  });
  after(() => Promise.all(clusters.map(({ stack }) => stack.remove())));

  for (const [index, { title }] of faults.entries()) {
    it(`comes back by itself: ${title}`, async () => {
      const outcome = (await outcomes)[index];
      if (outcome?.status !== "fulfilled") throw outcome?.reason ?? new Error("it was not tried");
    });
  }
});
