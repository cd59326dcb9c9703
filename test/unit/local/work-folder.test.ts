import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { makeFolder } from "../../../local/tools/work-folder";

describe("work folder", () => {
  let parent: string;
  let folder: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "work-"));
    folder = join(parent, "built-1");
  });
  afterEach(() => rmSync(parent, { recursive: true }));
  const put = (text: string) => async (temporary: string) => writeFileSync(join(temporary, "file"), text);

  it("appears complete, once", async () => {
    await makeFolder(folder, put("first"));
    await makeFolder(folder, put("second"));
    expect(readFileSync(join(folder, "file"), "utf8")).to.equal("first");
    expect(readdirSync(parent)).to.deep.equal(["built-1"]);
  });

  it("does not appear when the work fails, and leaves nothing", async () => {
    const failure = new Error("no");
    const caught = await makeFolder(folder, () => Promise.reject(failure)).catch((error: unknown) => error);
    expect(caught).to.equal(failure);
    expect(readdirSync(parent)).to.deep.equal([]);
  });

  it("removes what a killed process left, not what a living one is making", async () => {
    mkdirSync(`${folder}.${2 ** 30}`);
    mkdirSync(`${folder}.1`);
    mkdirSync(`${folder}0.${2 ** 30}`);
    await makeFolder(folder, put("done"));
    expect(existsSync(`${folder}.${2 ** 30}`)).to.equal(false);
    expect(readdirSync(parent)).to.have.members(["built-1", "built-1.1", `built-10.${2 ** 30}`]);
  });
});
