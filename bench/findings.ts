import type { Point } from "./statistics";

/** What a value has to be, and where it is not, what limits it. */
export interface Target {
  atMost?: number;
  atLeast?: number;
  /** For the report, where the target is missed: what limits it, and what was tried. Goes on from "because". */
  missed?: string;
}

/** One of those that are compared: what it took in each round. */
export interface Rival {
  name: string;
  values: number[];
  /** What its ratio to the floor has to be. */
  target?: Target;
}

/** The same thing done by several, in turn. */
export interface Comparison {
  kind: "comparison";
  /** Name of its plot's file; unique in the report. */
  id: string;
  title: string;
  /** What is written after a value. */
  unit: string;
  /** Name of the rival whose values are 1. */
  floor: string;
  rivals: Rival[];
}

/** How something grows with how many there are. */
export interface Series {
  kind: "series";
  id: string;
  title: string;
  /** What is counted, and what it takes. */
  x: string;
  y: string;
  lines: SeriesLine[];
}

export interface SeriesLine {
  name: string;
  points: Point[];
  /** What one more takes, in the unit of y. */
  slope?: Target;
  /** How straight the line is. */
  r2?: Target;
}

/** Values that are judged as they are, beside nothing. */
export interface Measures {
  kind: "measures";
  title: string;
  unit: string;
  measures: Measure[];
}

export interface Measure {
  name: string;
  values: number[];
  /** What there is to know beside them. */
  note?: string;
  /** What their median has to be. */
  target?: Target;
}

/** Figures that are not compared. */
export interface Figures {
  kind: "figures";
  title: string;
  head: string[];
  rows: string[][];
}

/** A paragraph: how it was measured, or what follows. */
export interface Remark {
  kind: "remark";
  text: string;
}

export type Finding = Comparison | Series | Measures | Figures | Remark;

/** What a part of the benchmark found: the report is written from this alone, and it is kept as JSON. */
export interface Findings {
  part: string;
  title: string;
  /** When it was measured, as ISO 8601 has it. */
  at: string;
  machine: string[];
  findings: Finding[];
}

/** One thing that can be measured on its own. A new part is a file in `parts/` and a line in `parts/index.ts`. */
export interface Part {
  /** What it is called on the command line. */
  name: string;
  /** Its heading in the report. */
  title: string;
  /** @throws where a rival did not run: a comparison without it would say nothing. */
  measure(note: (words: string) => void): Promise<Finding[]>;
}

/** Whether a value is what it has to be. */
export function isMet(
  value: number,
  { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Target,
) {
  return value <= atMost && value >= atLeast;
}
