import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { recordedRuns, recordRun, type WholeRun } from "../run-record";

describe("the record of whole runs of the tests", () => {
  const kept = process.env.KUBERNETES_POSTGRES_HOME;
  const home = mkdtempSync(join(tmpdir(), "run-record-"));
  before(() => {
    process.env.KUBERNETES_POSTGRES_HOME = home;
  });
  after(() => {
    if (kept === undefined) delete process.env.KUBERNETES_POSTGRES_HOME;
    else process.env.KUBERNETES_POSTGRES_HOME = kept;
    rmSync(home, { recursive: true });
  });

  it("keeps the last run that found all tools, and the last one that had to build them", () => {
    const run = (cold: boolean, seconds: number): WholeRun => ({ at: "2026-01-02", cold, seconds, tiers: { unit: 9 } });
    expect(recordedRuns()).to.deep.equal([]);
    for (const [cold, seconds] of [
      [true, 1900],
      [false, 900],
      [false, 800],
    ] as const)
      recordRun(run(cold, seconds));
    expect(recordedRuns()).to.deep.equal([run(true, 1900), run(false, 800)]);
  });
});
