import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { median } from "../bench/statistics";

/** What a fault did to a cluster, over all tries. */
export interface FaultRow {
  /** What was hurt. */
  subject: string;
  fault: string;
  /** How often it was provoked, those times included after which nothing came back. */
  tried: number;
  /** Seconds until a write was acknowledged again, for each try that got there. Empty where nobody wrote. */
  writesBack: number[];
  /** Seconds until everything ran again, replicas included, for each try that got there. */
  wholeBack: number[];
  /** Rows whose commit was acknowledged to the client, over all tries. */
  acknowledged: number;
  /** Acknowledged rows that were not there afterwards. */
  lost: number;
}

/** Adds a row to the table of this run, which FAULT_TABLE names; test/run.ts prints it at the end. */
export function recordFault(row: FaultRow): void {
  const file = process.env.FAULT_TABLE;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The rows that were recorded in a file. */
export function recordedFaults(file: string): FaultRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.filter((line) => line !== "").map((line): FaultRow => JSON.parse(line));
}

const columns = ["fault", "tried", "writes back: median", "max", "whole again: median", "max", "acknowledged", "lost"];

/** The table as text, a block for each subject. */
export function faultTable(rows: readonly FaultRow[]): string {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return subjects
    .map((subject) => {
      const own = rows.filter((row) => row.subject === subject);
      return `${subject}\n${aligned([columns, ...own.map(cells)])}`;
    })
    .join("\n\n");
}

function cells({ fault, tried, writesBack, wholeBack, acknowledged, lost }: FaultRow): string[] {
  const back = Math.max(writesBack.length, wholeBack.length);
  const times = back < tried ? `${tried}, ${back} came back` : `${tried}`;
  return [fault, times, ...spread(writesBack), ...spread(wholeBack), `${acknowledged}`, `${lost}`];
}

const spread = (seconds: number[]): string[] =>
  seconds.length === 0 ? ["-", "-"] : [`${median(seconds).toFixed(2)} s`, `${Math.max(...seconds).toFixed(2)} s`];

function aligned(table: string[][]): string {
  const widths = columns.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => `  ${row.join("  ")}`)
    .join("\n");
}
