import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { npm } from "../npm";
import { root } from "../unit/plan";

describe("npm run policy", () => {
  it("ends with 0 where every rule is kept, 1 with what is broken, 2 for what it does not understand", async () => {
    const stack = `test-policy-${process.pid}`;
    const file = join(root, `Pulumi.${stack}.yaml`);
    writeFileSync(file, "config:\n  kubernetes-postgres:image: postgres:latest\n");
    try {
      const runs = [
        ["--stack", "prod"],
        ["--stack", stack],
        ["--stak", "prod"],
      ].map((args) => npm("policy", args));
      const [kept, broken, unknown] = await Promise.all(runs);
      expect([kept?.code, broken?.code, unknown?.code]).to.deep.equal([0, 1, 2]);
      expect(kept?.out).to.match(/^Stack prod keeps all 7 rules \(\d+ resources\)\.\n$/);
      expect(broken?.err).to.match(/breaks what it has to keep:\n {2}StatefulSet .*postgres:latest.*\[images-pinned\]/);
    } finally {
      rmSync(file);
    }
  }).timeout("60 s");
});
