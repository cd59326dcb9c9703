import { expect } from "chai";
import { eventually } from "./kubernetes";
import { TestStack } from "./stack";

describe("a cluster that cannot become ready", function () {
  this.timeout("4 minutes");
  let stack: TestStack;

  beforeEach(async () => {
    stack = await TestStack.create("failure", { replicas: 1 });
  });
  afterEach(() => stack.remove());

  // Each row: what is wrong, the settings that make it so, and words that the end of `up` must have.
  const failures: [string, Parameters<TestStack["up"]>[0], RegExp][] = [
    [
      "its image cannot be pulled",
      { image: "localhost/no-such-image:16" },
      /postgres-0[\s\S]*no-such-image[\s\S]*image/,
    ],
    ["the image does not know its user", { runAsUser: 12345 }, /postgres-0[\s\S]*(user|uid)[\s\S]*12345/],
    [
      "no node has room for its pod",
      { resources: { requests: { cpu: "400" }, limits: { cpu: "400" } } },
      /Insufficient cpu[\s\S]*resources/,
    ],
  ];
  for (const [title, settings, words] of failures) {
    it(`because ${title} ends up within a minute, with the reason, and the next up continues`, async () => {
      const started = Date.now();
      const failure = await stack.up(settings).then(
        () => undefined,
        (error: Error) => error,
      );
      expect(failure, "the failure").to.be.instanceOf(Error);
      expect((Date.now() - started) / 1000, "seconds").to.be.lessThan(60);
      expect(failure?.message).to.match(words);
      expect(failure?.message).to.not.match(/\n\s+at /);
      await stack.up();
      expect(await stack.namespace.psql("postgres-0", "select 1")).to.equal("1");
    });
  }

  it("because there is no volume for its claim ends up within a minute, and another size continues", async () => {
    const claim = async () => (await stack.namespace.claims())["data-postgres-0"];
    const started = Date.now();
    const failure = await stack.up({ storageSize: "2Gi" }, { volumes: 0 }).then(
      () => undefined,
      (error: Error) => error,
    );
    expect((Date.now() - started) / 1000, "seconds").to.be.lessThan(60);
    expect(failure?.message).to.match(/postgres-0[\s\S]*(volume|claim)/);
    const preview = await stack.preview().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(preview?.message).to.match(/never got a volume.*npm run up makes it anew/);
    // Nothing is lost with a StatefulSet that has no volume: it is made anew, and so is the claim.
    const mended = stack.up({}, { volumes: 0 });
    await eventually("the new claim", async () => ((await claim())?.size === "10Gi" ? true : undefined));
    await stack.provideVolumes();
    await mended;
    expect(await stack.namespace.psql("postgres-0", "select 1")).to.equal("1");
  });

  it("after a change that its pods cannot take keeps the primary writable, and the way back is open", async () => {
    await stack.up({ replicas: 2 });
    await stack.namespace.psql("postgres-0", "create table kept (id int)");
    const failure = await stack.up({ replicas: 2, image: "localhost/no-such-image:16" }).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).to.match(/postgres-1[\s\S]*no-such-image/);
    await stack.namespace.psql("postgres-0", "insert into kept values (1)");
    await stack.up({ replicas: 2 });
    await stack.namespace.allStreaming("postgres-1");
    expect(await stack.namespace.psql("postgres-1", "select id from kept")).to.equal("1");
  });
});

describe("a change that would take the StatefulSet away, and with keepVolumes: false the data", function () {
  this.timeout("3 minutes");
  let stack: TestStack;
  let made: unknown;

  const live = async (): Promise<unknown> => {
    const uid = async (kind: string, name: string): Promise<string> =>
      (await stack.namespace.json<{ metadata: { uid: string } }>("get", kind, name)).metadata.uid;
    const pod = await stack.namespace.pod("postgres-0");
    return [await uid("statefulset", "postgres"), pod.metadata.uid, await stack.namespace.claims()];
  };

  before(async () => {
    // With resources of its own another workload changes nothing but the disks.
    const resources = { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "500m", memory: "512Mi" } };
    const settings = { replicas: 1, cloud: "gcp", storageSize: "20Gi", keepVolumes: false, resources };
    stack = await TestStack.create("keep", settings);
    await stack.up();
    await stack.namespace.psql("postgres-0", "create table kept (id int)");
    made = await live();
  });
  after(() => stack.remove());

  const changes: [Parameters<TestStack["preview"]>[0], RegExp][] = [
    [{ cloud: "azure" }, /cloud: "azure"[\s\S]*pd-balanced[\s\S]*Set it back to gcp/],
    [{ workload: "production" }, /workload: "production"[\s\S]*pd-balanced[\s\S]*Set it back to development/],
    [{ storageClassName: "own" }, /storageClassName: "own"[\s\S]*pd-balanced[\s\S]*Leave storageClassName out/],
    [{ podManagementPolicy: "Parallel" }, /podManagementPolicy: "Parallel"[\s\S]*Set it back to OrderedReady/],
    // Here the claims are asked first, and the API server refuses.
    [{ storageSize: "15Gi" }, /storageSize: "15Gi"[\s\S]*Set it back to 20Gi|can not be less than status.capacity/],
  ];
  for (const [change = {}, words] of changes) {
    it(`is refused, by the component itself too: ${JSON.stringify(change)}`, async () => {
      const ways = [
        () => stack.preview(change),
        () => stack.up(change, { volumes: 0 }),
        () => stack.plain("preview", change),
        () => stack.plain("up", change),
      ];
      for (const way of ways) {
        const failure = await way().then(
          () => undefined,
          (error: Error) => error,
        );
        expect(failure?.message).to.match(words);
      }
      expect(await live()).to.deep.equal(made);
      await stack.namespace.psql("postgres-0", "insert into kept values (1)");
    });
  }
});

describe("a namespace with other people's things in it", function () {
  this.timeout("2 minutes");
  let stack: TestStack;

  const left = async (): Promise<unknown> => {
    const { metadata, status } = await stack.namespace.json<{
      metadata: { uid: string; labels: object };
      status: { phase: string };
    }>("get", "namespace", stack.name);
    const { data } = await stack.namespace.json<{ data: object }>("get", "configmap", "theirs");
    return [metadata.uid, metadata.labels, status.phase, data];
  };

  before(async () => {
    stack = await TestStack.create("foreign", { replicas: 1, keepVolumes: false });
    await stack.namespace.kubectl("create", "namespace", stack.name);
    await stack.namespace.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "theirs" },
      data: { precious: "yes" },
    });
  });
  after(() => stack.remove());

  it("is not taken over: preview and up refuse, and with createNamespace: false it outlives the stack", async () => {
    const theirs = await left();
    const refused = async (): Promise<void> => {
      for (const way of [() => stack.preview(), () => stack.up({}, { volumes: 0 })]) {
        const failure = await way().then(
          () => undefined,
          (error: Error) => error,
        );
        expect(failure?.message).to.match(
          /createNamespace: "true"[\s\S]*others have in it[\s\S]*createNamespace to false/,
        );
      }
    };
    await refused();
    expect(await stack.namespace.kubectl("get", "all,secrets,pvc", "-o", "name")).to.equal("");

    await stack.up({ createNamespace: false });
    await stack.namespace.psql("postgres-0", "create table visits (id int)");
    await refused();
    await stack.namespace.psql("postgres-0", "insert into visits values (1)");
    await stack.down();
    expect(await left()).to.deep.equal(theirs);
  });
});

describe("settings that cannot work", () => {
  it("stop before anything is made: no namespace, no volume, no state", async () => {
    const stack = await TestStack.create("refused", { replicas: 0, storageSize: "10", cloud: "moon" });
    const failure = await stack.preview().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).to.match(/^3 settings cannot work:/);
    const namespaces = await stack.namespace.kubectl("get", "namespaces", "-o", "name");
    expect(namespaces).to.not.contain(stack.name);
    expect(await stack.namespace.kubectl("get", "storageclasses,persistentvolumes", "-o", "name")).to.not.contain(
      stack.name,
    );
  });
});
