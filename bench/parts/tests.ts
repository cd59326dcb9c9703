import { projectFolder } from "../../local/pulumi/paths";
import { runOrThrow } from "../../local/tools/run";
import { repetitions } from "../../test/repetitions";
import { recordedRuns } from "../../test/run-record";
import type { Finding, Measure, Part } from "../findings";
import { seconds } from "../rounds";

const rounds = Math.min(repetitions("BENCH_ROUNDS", 3), 3);

/** What was found by looking at all processes of a whole run every half second (2026-11-28). */
const limited =
  "two processors are busy for 65 % of such a run: 2,200 s of a processor, of which Kubernetes takes about 400, Pulumi's CLI, its " +
  "plugins and Node 400, the tests themselves 175, kubectl 70, the pods' PostgreSQL 50; the rest goes to processes that end " +
  "too soon to be seen by a look every half second. Otherwise tests wait for what takes its time: networks that are cut for a " +
  "minute, a node that stops, volumes that fill. Tried: three tests of the cluster at once instead of two (they make each " +
  "other late and fail), what only waits side by side, readiness asked for less often, a startup probe that waits by itself. " +
  "Fifteen minutes would take fewer real deployments.";

/** Where this machine has had its tools all the time. */
const fromNothing: Finding = {
  kind: "remark",
  text: "How long a run from nothing takes is not known here: `.ci/run` on a new machine, in which nothing fails, notes it.",
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
    const measures: Measure[] = [{ name: "unit tier", values, target: { atMost: 15 } }];
    const runs = recordedRuns();
    for (const { cold, at, seconds: taken, tiers } of runs) {
      const parts = Object.entries(tiers).map(([tier, took]) => `${tier} ${took} s`);
      measures.push({
        name: cold ? "everything, from nothing" : "everything, with the tools built",
        values: [taken],
        note: `${(taken / 60).toFixed(1)} min on ${at.slice(0, 10)}: ${parts.join(", ")}`,
        ...(!cold && { target: { atMost: 15 * 60, missed: limited } }),
      });
    }
    const times: Finding = { kind: "measures", title: "Time to run", unit: "s", measures };
    return runs.some(({ cold }) => cold) ? [times] : [times, fromNothing];
  },
};
