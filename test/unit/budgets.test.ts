import { join, relative } from "node:path";
import { expect } from "chai";
import { runOrThrow } from "../../local/tools/run";
import { budgets } from "../budgets";
import { planOf, root, stackConfig } from "./plan";

describe("the program's budget", () => {
  it("has room for the resources of prod", async () => {
    const { resources } = await planOf("prod", stackConfig("prod"));
    expect(resources.length, resources.map(({ name }) => name).join(", ")).to.be.at.most(budgets.resources);
  });

  it("has room for what prod loads", async () => {
    const script = join(root, "bench", "loaded.cjs");
    const out = await runOrThrow(process.execPath, [script, JSON.stringify(stackConfig("prod"))]);
    const { files, kilobytes }: { files: string[]; kilobytes: number } = JSON.parse(out);
    const names = files.map((file) => relative(root, file));
    expect(files.length, names.join("\n")).to.be.at.most(budgets.files);
    expect(kilobytes).to.be.at.most(budgets.kilobytes);
  }).timeout(30_000);
});
