import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { scripts } from "../../components/postgres/config";
import { clusterSpec } from "../../components/postgres/spec";
import { root } from "./plan";

const { checksums } = clusterSpec({});

describe("what restarts the pods", () => {
  it("is a changed script: process 1 has read the old one", () => {
    const changed = { ...scripts(), "probe.sh": "#!/bin/sh\n" };
    expect(clusterSpec({}, changed).checksums.scripts).to.not.equal(checksums.scripts);
    expect(clusterSpec({}, scripts()).checksums.scripts).to.equal(checksums.scripts);
  });

  it("is a parameter that PostgreSQL only reads at its start", () => {
    const changed = clusterSpec({ parameters: { max_locks_per_transaction: "72" } });
    expect(changed.checksums.restartParameters).to.not.equal(checksums.restartParameters);
  });

  it("is neither a parameter that can be reloaded, nor an addition, nor the number of pods", () => {
    expect(clusterSpec({ parameters: { work_mem: "2MB" } }).checksums).to.deep.equal(checksums);
    const additions = { roles: [{ name: "a" }], databases: [{ name: "b" }], extensions: [{ name: "c" }] };
    expect(clusterSpec(additions).checksums).to.deep.equal(checksums);
    for (const replicas of [1, 5, 10])
      expect(clusterSpec({ replicas }).checksums, `${replicas}`).to.deep.equal(checksums);
  });
});

describe("the scripts of the pods", () => {
  it("are all the files of their folder, unchanged", () => {
    const files = scripts();
    expect(Object.keys(files)).to.include.members(["supervisor.sh", "probe.sh"]);
    for (const [name, text] of Object.entries(files)) {
      expect(text).to.equal(readFileSync(join(root, "components", "postgres", "scripts", name), "utf8"));
    }
  });
});
