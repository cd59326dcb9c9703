import { expect } from "chai";
import { nodeStatus } from "../../local/node";
import { ruleComment } from "../../local/node/settings";
import { runOrThrow } from "../../local/tools/run";
import { CommandLine } from "./command-line";

describe("the embedded node", function () {
  this.timeout("5 minutes");

  it("stops with nothing left running, and up has it, its pods and their rows back within a minute", async () => {
    const line = await CommandLine.create("node", { replicas: 3 });
    try {
      expect((await line.run("up")).code).to.equal(0);
      await line.namespace.psql("postgres-0", "create table kept (id int); insert into kept values (1)");

      const stop = await line.run("local:stop");
      expect(stop.code, stop.err).to.equal(0);
      const { state, servers } = await nodeStatus();
      expect(state).to.equal("stopped");
      expect(Object.values(servers).filter((pid) => pid !== undefined)).to.deep.equal([]);
      expect(await runOrThrow("iptables", ["-w", "-t", "mangle", "-S"])).to.not.include(ruleComment);
      const preview = await line.run("preview");
      expect(preview.code).to.equal(1);
      expect(preview.err).to.match(/node does not run[\s\S]*npm run up/);

      const up = await line.run("up");
      expect(up.code, up.err).to.equal(0);
      expect(up.seconds).to.be.lessThan(60);
      expect(await line.namespace.psql("postgres-0", "select id from kept")).to.equal("1");
      await line.namespace.allStreaming("postgres-1", "postgres-2");
    } finally {
      await line.remove();
    }
  });
});
