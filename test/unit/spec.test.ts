import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { PostgresClusterArgs } from "../../components/postgres/args";
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

  it("is neither a parameter that can be reloaded, nor an addition, nor the number of pods, synchronous or not", () => {
    expect(clusterSpec({ parameters: { work_mem: "2MB" } }).checksums).to.deep.equal(checksums);
    const additions = { roles: [{ name: "a" }], databases: [{ name: "b" }], extensions: [{ name: "c" }] };
    expect(clusterSpec(additions).checksums).to.deep.equal(checksums);
    for (const replicas of [1, 5, 10])
      expect(clusterSpec({ replicas }).checksums, `${replicas}`).to.deep.equal(checksums);
    for (const replicas of [3, 4])
      expect(clusterSpec({ replicas, synchronousReplicas: 1 }).checksums).to.deep.equal(checksums);
  });
});

describe("synchronous replicas", () => {
  const line = (args: PostgresClusterArgs): string | undefined =>
    /^synchronous_standby_names = .*$/m.exec(clusterSpec(args).postgresqlConf)?.[0];

  it("are any so many of all the cluster's replicas, by the names of their pods", () => {
    expect(line({ replicas: 3, synchronousReplicas: 1 })).to.equal(
      `synchronous_standby_names = 'ANY 1 ("postgres-1", "postgres-2")'`,
    );
    expect(line({ name: "orders", replicas: 4, synchronousReplicas: 2 })).to.equal(
      `synchronous_standby_names = 'ANY 2 ("orders-1", "orders-2", "orders-3")'`,
    );
  });

  it("are none unless asked for", () => {
    expect(line({})).to.equal(undefined);
    expect(line({ synchronousReplicas: 0 })).to.equal(undefined);
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
