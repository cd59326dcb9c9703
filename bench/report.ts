import { table } from "../docs/generate/markdown";
import {
  type Comparison,
  type Finding,
  type Findings,
  isMet,
  type Measures,
  type Rival,
  type Series,
  type Target,
} from "./findings";
import { lineThrough, median, ratio } from "./statistics";
import { barPlot, linePlot, shortNumber } from "./svg";

/** The report as it is before any part has run. */
export const emptyReport = `<!-- Written by npm run bench; each part writes its own section. -->

# Measured against others

\`npm run bench\` measures all of this on the embedded node, or only the parts that are named after \`--\`. Those that are
compared run in turn, round after round, on the same machine; a ratio is the median of the rounds' own ratios, so that
what else the machine does cancels out. 1 is the row that the others are compared with; less is better unless a line says
otherwise.
`;

const begin = (part: string): string => `<!-- part: ${part} -->`;
const end = (part: string): string => `<!-- end of part: ${part} -->`;

/** The report with the section of one part written anew; the others stay as they are, and keep their order. */
export function withSection(report: string, found: Findings, order: readonly string[]): string {
  const sections = new Map<string, string>();
  for (const part of order) {
    const [, rest] = report.split(`${begin(part)}\n`);
    if (rest !== undefined) sections.set(part, rest.split(end(part))[0] ?? "");
  }
  sections.set(found.part, `${section(found)}\n`);
  const parts = order.flatMap((part) => {
    const text = sections.get(part);
    return text === undefined ? [] : [`${begin(part)}\n${text}${end(part)}\n`];
  });
  return [emptyReport, ...parts].map((text) => `${text.trimEnd()}\n`).join("\n");
}

function section({ title, at, machine, findings }: Findings): string {
  const when = `${at.slice(0, 10)}; ${machine.join("; ")}.`;
  return [`## ${title}`, ...findings.map(markdown), when].join("\n\n");
}

function markdown(finding: Finding): string {
  switch (finding.kind) {
    case "remark":
      return finding.text;
    case "figures":
      return `### ${finding.title}\n\n${table(finding.head, finding.rows)}`;
    case "measures":
      return [`### ${finding.title}`, measuresTable(finding), ...reasons(judgedMeasures(finding))].join("\n\n");
    case "comparison":
      return [`### ${finding.title}`, comparisonTable(finding), ...reasons(judgedRivals(finding)), image(finding)].join(
        "\n\n",
      );
    case "series":
      return `### ${finding.title}\n\n${seriesTable(finding)}\n\n${image(finding)}`;
  }
}

const image = ({ id, title }: Comparison | Series): string => `![${title}](bench/${id}.svg)`;

/** What the ratios of a comparison are to. */
const baseOf = ({ floor, rivals }: Comparison): number[] => rivals.find(({ name }) => name === floor)?.values ?? [];

function comparisonTable(comparison: Comparison): string {
  const { unit, rivals } = comparison;
  const base = baseOf(comparison);
  const rows = rivals.map(({ name, values, target }) => [
    name,
    ratio(values, base).toFixed(2),
    target === undefined ? "" : targetText(ratio(values, base), target),
    `${shortNumber(median(values))} ${unit}`,
    `${shortNumber(Math.min(...values))} to ${shortNumber(Math.max(...values))}`,
    `${values.length}`,
  ]);
  return table(["", "ratio", "target", "median", "spread", "runs"], rows);
}

function measuresTable({ unit, measures }: Measures): string {
  const rows = measures.map(({ name, values, note, target }) => [
    name,
    `${shortNumber(median(values))} ${unit}`,
    target === undefined ? "" : targetText(median(values), target),
    values.length < 2 ? "" : `${shortNumber(Math.min(...values))} to ${shortNumber(Math.max(...values))}`,
    `${values.length}`,
    note ?? "",
  ]);
  return table(["", "median", "target", "spread", "runs", ""], rows);
}

/** A value that has to be something. */
interface Judged {
  value: number;
  target: Target;
}

const judgedRivals = (comparison: Comparison): Judged[] => {
  const base = baseOf(comparison);
  return comparison.rivals.flatMap(({ values, target }) =>
    target === undefined ? [] : [{ value: ratio(values, base), target }],
  );
};

const judgedMeasures = ({ measures }: Measures): Judged[] =>
  measures.flatMap(({ values, target }) => (target === undefined ? [] : [{ value: median(values), target }]));

/** What limits those that miss their target; each reason once. */
function reasons(judged: readonly Judged[]): string[] {
  const missing = judged.filter(({ value, target }) => !isMet(value, target));
  const texts = missing.flatMap(({ target: { missed } }) => (missed === undefined ? [] : [missed]));
  return [...new Set(texts)].map((text) => `Missed, because ${text}`);
}

function seriesTable({ x, y, lines }: Series): string {
  const rows = lines.map(({ name, points, slope, r2 }) => {
    const line = lineThrough(points);
    return [
      name,
      `${shortNumber(line.slope)}${slope === undefined ? "" : `: ${targetText(line.slope, slope)}`}`,
      `${line.r2.toFixed(4)}${r2 === undefined ? "" : `: ${targetText(line.r2, r2)}`}`,
      points.map(([count, value]) => `${count}: ${shortNumber(value)}`).join(", "),
    ];
  });
  return table(["", `one more of ${x}: ${y}`, "R²", `${x}: ${y}`], rows);
}

function targetText(value: number, target: Target): string {
  const { atMost, atLeast } = target;
  const asked = atMost !== undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `${isMet(value, target) ? "met" : "**missed**"} (${asked})`;
}

/** The plots that a part's section shows, by file name. */
export function plots({ findings }: Findings): Record<string, string> {
  const drawn = findings.flatMap((finding): [string, string][] => {
    if (finding.kind === "comparison") return [[`${finding.id}.svg`, barPlot(finding)]];
    return finding.kind === "series" ? [[`${finding.id}.svg`, linePlot(finding)]] : [];
  });
  return Object.fromEntries(drawn);
}

/** Every target with whether it is met, for the terminal. */
export function verdicts({ findings }: Findings): string[] {
  return findings.flatMap((finding): string[] => {
    if (finding.kind === "comparison") {
      const base = baseOf(finding);
      return finding.rivals.map((rival) => rivalLine(finding, rival, base));
    }
    if (finding.kind === "measures") {
      const line = ({ name, values, target }: Measures["measures"][number]): string =>
        `${finding.title}: ${name}: ${shortNumber(median(values))} ${finding.unit}${target === undefined ? "" : `, ${targetText(median(values), target)}`}`;
      return finding.measures.map(line);
    }
    if (finding.kind !== "series") return [];
    return finding.lines.flatMap(({ name, points, slope, r2 }) => {
      const line = lineThrough(points);
      return [
        ...(slope === undefined
          ? []
          : [`${name}: ${shortNumber(line.slope)} a piece, ${targetText(line.slope, slope)}`]),
        ...(r2 === undefined ? [] : [`${name}: R² ${line.r2.toFixed(4)}, ${targetText(line.r2, r2)}`]),
      ];
    });
  });
}

function rivalLine({ title, unit }: Comparison, { name, values, target }: Rival, base: number[]): string {
  const times = ratio(values, base);
  const verdict = target === undefined ? "" : `, ${targetText(times, target)}`;
  return `${title}: ${name}: ${times.toFixed(2)} x (${shortNumber(median(values))} ${unit})${verdict}`;
}
