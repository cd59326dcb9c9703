import { execFileSync } from "node:child_process";
import { join, relative } from "node:path";
import { expect } from "chai";
import { clouds, type PostgresClusterArgs } from "../../components/postgres/args";
import { runOrThrow } from "../../local/tools/run";
import { budgets } from "../budgets";
import { config, keys, own, withKeys } from "../unit/encryption-settings";
import { root, stackConfig } from "../unit/plan";

describe("what the program loads", () => {
  it("is within the budget", async () => {
    const script = join(root, "bench", "loaded.cjs");
    const out = await runOrThrow(process.execPath, [script, JSON.stringify(stackConfig("prod"))]);
    const { files, kilobytes }: { files: string[]; kilobytes: number } = JSON.parse(out);
    const names = files.map((file) => relative(root, file));
    expect(files.length, names.join("\n")).to.equal(budgets.files);
    expect(kilobytes).to.be.within(0.9 * budgets.kilobytes, budgets.kilobytes);
  }).timeout(30_000);

  it("loads nothing of AWS's SDK unless one is made, and then no more than the key and its alias", function () {
    this.timeout(60_000);
    const others = clouds.map((cloud): PostgresClusterArgs => ({ cloud }));
    const existing = withKeys.map((cloud): PostgresClusterArgs => ({ cloud, encryption: { keyId: keys[cloud] } }));
    // In a process of its own: here other tests have loaded it.
    const script = `
      const { planOf } = require("./local/render/plan");
      const loaded = () =>
        Object.keys(require.cache).flatMap((file) => file.split("/node_modules/@pulumi/aws/").slice(1));
      (async () => {
        for (const config of ${JSON.stringify([...others, ...existing].map(config))}) await planOf("dev", config);
        const without = loaded();
        await planOf("dev", ${JSON.stringify(config(own))});
        console.log(JSON.stringify({ without, made: loaded() }));
      })();`;
    const run = ["--require", "tsx/cjs", "--eval", script];
    const { without, made } = JSON.parse(execFileSync(process.execPath, run, { cwd: root, encoding: "utf8" }));
    expect(without).to.deep.equal([]);
    expect(made).to.have.members(["kms/key.js", "kms/alias.js", "utilities.js", "package.json"]);
  });
});
