import { expect } from "chai";
import type { Comparison, Finding, Findings, Series } from "../../../bench/findings";
import { emptyReport, plots, verdicts, withSection } from "../../../bench/report";

const comparison: Comparison = {
  kind: "comparison",
  id: "speed",
  title: "Speed",
  unit: "s",
  floor: "floor",
  rivals: [
    { name: "floor", values: [1, 2, 1] },
    { name: "ours & <more>", values: [1.1, 2.2, 1.2], target: { atMost: 1.15 } },
    { name: "late", values: [3, 6, 3], target: { atMost: 2, missed: "the disk limits it." } },
  ],
};
const series: Series = {
  kind: "series",
  id: "growth",
  title: "Growth",
  x: "clusters",
  y: "ms",
  lines: [
    {
      name: "plan",
      points: [
        [1, 3],
        [10, 12],
        [100, 102],
      ],
      slope: { atMost: 8 },
      r2: { atLeast: 0.99 },
    },
  ],
};
const measured: Finding = {
  kind: "measures",
  title: "Time",
  unit: "s",
  measures: [
    { name: "quick", values: [3, 1, 2], target: { atMost: 2 } },
    { name: "slow", values: [9], note: "once", target: { atMost: 5, missed: "it waits." } },
    { name: "not judged", values: [4] },
  ],
};
const found = (part: string, ...findings: Finding[]): Findings => ({
  part,
  title: `Part ${part}`,
  at: "2026-01-02T03:04:05.000Z",
  machine: ["2 x CPU"],
  findings,
});
const order = ["one", "two", "three"];

describe("the benchmark's report", () => {
  it("has ratios first, and says of each target whether it is met", () => {
    const report = withSection(emptyReport, found("one", comparison, series), order);
    expect(report).to.include("| floor | 1.00 |  | 1.00 s | 1.00 to 2.00 | 3 |");
    expect(report).to.include("| ours & <more> | 1.10 | met (at most 1.15) | 1.20 s |");
    expect(report).to.include("| late | 3.00 | **missed** (at most 2) |");
    expect(report).to.include("\n\nMissed, because the disk limits it.\n\n");
    expect(report).to.include("| plan | 1.00: met (at most 8) | 1.0000: met (at least 0.99) |");
    expect(report).to.include("![Speed](bench/speed.svg)");
    expect(report).to.include("2026-01-02; 2 x CPU.");
  });

  it("has what is judged by itself with its target, its reason and what there is to know", () => {
    const report = withSection(emptyReport, found("one", measured), order);
    expect(report).to.include("| quick | 2.00 s | met (at most 2) | 1.00 to 3.00 | 3 |  |");
    expect(report).to.include("| slow | 9.00 s | **missed** (at most 5) |  | 1 | once |");
    expect(report).to.include("| not judged | 4.00 s |  |  | 1 |  |\n\nMissed, because it waits.\n");
  });

  it("keeps the other parts' sections, in their order, when one is measured anew", () => {
    const remark = (text: string): Finding => ({ kind: "remark", text });
    const both = ["three", "one"].reduce(
      (text, part) => withSection(text, found(part, remark(part)), order),
      emptyReport,
    );
    expect(both.indexOf("Part one")).to.be.lessThan(both.indexOf("Part three"));
    const again = withSection(both, found("one", remark("measured anew")), order);
    expect(again).to.include("measured anew").and.to.include("Part three");
    expect(again.split("Part one")).to.have.length(2);
    expect(withSection(again, found("one", remark("measured anew")), order)).to.equal(again);
  });

  it("has a plot of each comparison and of each series, as a picture that any viewer reads", () => {
    const drawn = plots(found("one", comparison, series));
    expect(Object.keys(drawn)).to.deep.equal(["speed.svg", "growth.svg"]);
    expect(drawn["speed.svg"]).to.include("ours &amp; &lt;more&gt;").and.to.include("(1.10 x)");
    expect(drawn["growth.svg"]).to.include("plan: 1.00 a cluster, R² 1.0000");
    for (const plot of Object.values(drawn)) expect(plot).to.not.match(/NaN|undefined|Infinity/);
  });

  it("tells the terminal the same", () => {
    expect(verdicts(found("one", comparison, series, measured))).to.include.members([
      "Time: quick: 2.00 s, met (at most 2)",
      "Time: slow: 9.00 s, **missed** (at most 5)",
      "Speed: ours & <more>: 1.10 x (1.20 s), met (at most 1.15)",
      "plan: 1.00 a piece, met (at most 8)",
    ]);
  });
});
