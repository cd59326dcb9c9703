import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { pendingOperations, withoutPendingOperations } from "../../../local/pulumi/checkpoint";
import { isAlive, processId } from "../../../local/pulumi/processes";
import { beginRun, decideRun, type RunRecord, readRecord } from "../../../local/pulumi/run-record";
import { isStale, releaseStaleLocks } from "../../../local/pulumi/state-lock";

const process1 = (pid: number) => ({ pid, startTime: "1" });
const record: RunRecord = {
  command: "up",
  owner: process1(10),
  engines: [process1(11), process1(12)],
  helpers: [process1(13)],
  since: "2026-01-01T00:00:00.000Z",
};

describe("a run that finds an earlier one", () => {
  it("starts where there is none", () => {
    expect(decideRun(undefined, () => true)).to.deep.equal({ action: "start" });
  });

  it("refuses while it lives", () => {
    expect(decideRun(record, ({ pid }) => pid === 10)).to.include({ action: "refuse" });
  });

  it("takes over from a killed one, with the engines it left", () => {
    const decision = decideRun(record, ({ pid }) => pid === 12);
    expect(decision).to.deep.equal({ action: "take over", record, orphans: [process1(12)], helpers: [] });
  });

  it("knows a recycled process number", () => {
    expect(isAlive(processId(process.pid))).to.equal(true);
    if (process.platform === "linux") expect(isAlive({ pid: process.pid, startTime: "1" })).to.equal(false);
  });

  describe("by its file", () => {
    let folder = "";
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "run-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("refuses a second one and names the process; ends with the first", async () => {
      const file = join(folder, "run.json");
      const run = await beginRun(file, "up", () => undefined);
      const second = await beginRun(file, "up", () => undefined).catch((error: unknown) => `${error}`);
      expect(second).to.include(`process ${process.pid}`);
      run.end();
      expect(readRecord(file)).to.equal(undefined);
    });

    it("says that the earlier one was killed", async () => {
      const file = join(folder, "run.json");
      writeFileSync(file, JSON.stringify({ ...record, owner: { pid: 2 ** 22 + 1, startTime: "1" }, engines: [] }));
      const lines: string[] = [];
      (await beginRun(file, "up", (line) => lines.push(line))).end();
      expect(lines.join()).to.include("was killed");
    });

    it("does not mind a record that was cut off", async () => {
      const file = join(folder, "run.json");
      writeFileSync(file, '{"command":"up","own');
      (await beginRun(file, "up", () => undefined)).end();
    });

    it("removes the lock of a dead engine and says so", () => {
      writeFileSync(join(folder, "a.json"), JSON.stringify({ pid: 2 ** 22 + 1, hostname: hostname() }));
      const lines: string[] = [];
      releaseStaleLocks(folder, (line) => lines.push(line));
      expect(lines).to.have.length(1);
      releaseStaleLocks(folder, (line) => lines.push(line));
      expect(lines).to.have.length(1);
    });

    it("respects a lock of another machine", () => {
      writeFileSync(join(folder, "a.json"), JSON.stringify({ pid: 1, hostname: "elsewhere.invalid" }));
      expect(() => releaseStaleLocks(folder, () => undefined)).to.throw(/process 1 on elsewhere\.invalid/);
    });
  });

  it("judges a lock by host and process", () => {
    const lock = { file: "f", pid: 7, host: "here" };
    expect(isStale(lock, "here", () => false)).to.equal(true);
    expect(isStale(lock, "here", () => true)).to.equal(false);
    expect(isStale(lock, "there", () => false)).to.equal(false);
  });
});

describe("operations that were never finished", () => {
  const deployment = {
    resources: [{ urn: "a" }],
    pending_operations: [{ type: "creating", resource: { urn: "urn:pulumi:dev::p::t::postgres-secret" } }],
  };

  it("are forgotten, and nothing else", () => {
    const healed = withoutPendingOperations(deployment);
    expect(healed.deployment).to.deep.equal({ resources: [{ urn: "a" }], pending_operations: [] });
    expect(healed.removed).to.deep.equal([{ type: "creating", urn: "urn:pulumi:dev::p::t::postgres-secret" }]);
  });

  it("are found in a checkpoint file", () => {
    expect(pendingOperations(JSON.stringify({ version: 3, checkpoint: { latest: deployment } }))).to.have.length(1);
    expect(pendingOperations("{}")).to.deep.equal([]);
    expect(pendingOperations("not JSON")).to.deep.equal([]);
  });
});
