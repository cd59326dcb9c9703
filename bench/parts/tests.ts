import { projectFolder } from "../../local/pulumi/paths";
import { runOrThrow } from "../../local/tools/run";
import { repetitions } from "../../test/repetitions";
import { recordedRuns } from "../../test/run-record";
import type { Finding, Part } from "../findings";
import { seconds } from "../rounds";
import { median } from "../statistics";

const rounds = Math.min(repetitions("BENCH_ROUNDS", 3), 3);

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
    return [finding];
  },
};
