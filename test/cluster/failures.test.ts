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
    expect(preview?.message).to.match(/never got a volume.*npm run up -- --stack failure-\w+ makes it anew/);
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
    const failure = await stack.up({ replicas: 2, image: "localhost/no-such-image:15" }).then(
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
