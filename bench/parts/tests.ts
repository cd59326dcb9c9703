import { projectFolder } from "../../local/pulumi/paths";
import { runOrThrow } from "../../local/tools/run";
import { repetitions } from "../../test/repetitions";
import { recordedRuns } from "../../test/run-record";
import type { Finding, Part } from "../findings";
import { seconds } from "../rounds";
import { median } from "../statistics";

const rounds = Math.min(repetitions("BENCH_ROUNDS", 3), 3);

/** What was found by looking at all processes of a whole run every half second. */
const limits: Finding = {
  kind: "remark",
  text:
    "A whole run with the tools built is 28 minutes of two processors that are busy for 65 % of them (2026-11-28): 2,200 s of " +
    "a processor, of which Kubernetes takes about 400, the pods' PostgreSQL 50, and most of the rest the tests' own processes: " +
    "Pulumi's CLI, its plugins and Node 400, the tests 175, kubectl 70. In the other 35 % tests wait for what takes its time: " +
    "networks that are cut for a minute, a node that stops, volumes that fill. Tried: three tests of the cluster at once " +
    "instead of two (they make each other late and fail), readiness asked for less often, a startup probe that waits by itself " +
    "(the cluster's tests took 1,610 s before, 1,430 s after). The fifteen minutes would take fewer real deployments.",
};

/** How long the tests take. Whole runs take longer than a benchmark may: they are the last ones on this machine in which nothing failed. */
export const tests: Part = {
  name: "tests",
  title: "The tests",
  async measure(note) {
    const values: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      note(`unit tier: ${round + 1} of ${rounds}`);
      values.push(await seconds(() => runOrThrow("npm", ["run", "--silent", "test:unit"], { cwd: projectFolder })));
    }
    const unit = median(values);
    const rows = [
      [
        "unit tier",
        `${unit.toFixed(1)} s`,
        `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} s, ${rounds} runs`,
        unit <= 15 ? "met (at most 15 s)" : "**missed** (at most 15 s)",
      ],
    ];
    for (const { cold, at, seconds: taken, tiers } of recordedRuns()) {
      const minutes = `${(taken / 60).toFixed(1)} min`;
      const parts = Object.entries(tiers).map(([tier, took]) => `${tier} ${took} s`);
      const verdict = cold ? "" : taken <= 15 * 60 ? "met (at most 15 min)" : "**missed** (at most 15 min)";
      rows.push([
        cold ? "everything, from nothing" : "everything",
        minutes,
        `${parts.join(", ")}; ${at.slice(0, 10)}`,
        verdict,
      ]);
    }
    const finding: Finding = { kind: "figures", title: "Time to run", head: ["", "median", "", "target"], rows };
    return [finding, limits];
  },
};
