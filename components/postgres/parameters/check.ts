import type { Problem } from "../problem";
import { budgetProblems } from "./budget";
import { canonicalName, judgedMajor, majorsOf, type Setting, settingNames, settingOf } from "./catalog";
import { nearest } from "./nearest";
import { formerNames, refusal } from "./owned";
import type { ServerSize } from "./sizing";
import { amount, readValue } from "./value";

type Finding = Pick<Problem, "why" | "fix">;

/** Bounds narrower than pg_settings tells, in the parameter's unit: outside of them the server does not start. */
const narrower: Readonly<Record<string, { least?: number; most?: number; why: string }>> = {
  min_wal_size: { least: 32, why: "It must hold two WAL segments of 16MB." },
  max_wal_size: { least: 32, why: "It must hold two WAL segments of 16MB." },
  max_stack_depth: { most: 7680, why: "The stack in a container is 8MB, and the server keeps 512kB of it." },
};

/**
 * What cannot work about the postgresql.conf settings that a user asked for: PostgreSQL would refuse them, they belong to the component,
 * they lose data, or they do not fit the pod. Empty when all can. An unknown major is judged as the newest known one.
 */
export function checkParameters(parameters: Readonly<Record<string, string>>, size: ServerSize): Problem[] {
  const good: Record<string, string> = {};
  const problems: Problem[] = [];
  const report = (name: string, asked: string, finding: Finding) =>
    problems.push({ setting: `parameters.${name}`, asked, ...finding });
  for (const [name, value] of Object.entries(parameters)) {
    const canonical = canonicalName(name);
    const finding =
      canonical in good
        ? { why: "It is set twice: PostgreSQL ignores case in names.", fix: "Remove one of them." }
        : findingOf(canonical, value, size.major);
    if (finding === undefined) good[canonical] = value;
    else report(name, value, finding);
  }
  return [...problems, ...budgetProblems(good, size)];
}

/** What is wrong with one parameter, judged by itself; undefined when nothing is. */
export function findingOf(name: string, value: string, major: number | undefined): Finding | undefined {
  const setting = settingOf(name, major);
  const reading = setting === undefined ? undefined : readValue(setting, value);
  // First whether it may be set at all: "write a correct path" is no help where no path is possible.
  const rule = refusal(name, reading?.ok ? reading.normal : value);
  if (rule !== undefined) return { why: rule.why, fix: rule.fix };
  if (setting === undefined) return unknown(name, value, major);
  if (setting.context === "internal" || notInFile.has(name)) {
    return {
      why: `${name} only reports something about the server or a session; no file can set it.`,
      fix: "Leave it out.",
    };
  }
  if (reading?.ok === false) return { why: reading.why, fix: reading.fix };
  return outsideNarrower(setting, reading?.number);
}

/** Settings of one session or transaction, which PostgreSQL refuses in a file though pg_settings does not say so. */
const notInFile = new Set(["transaction_deferrable", "transaction_isolation", "transaction_read_only"]);

function outsideNarrower({ name, unit }: Setting, number = 0): Finding | undefined {
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY, why = "" } = narrower[name] ?? {};
  if (number < least) return { why, fix: `Use ${amount(least, unit)} or more.` };
  return number > most ? { why, fix: `Use ${amount(most, unit)} or less.` } : undefined;
}

function unknown(name: string, value: string, major: number | undefined): Finding | undefined {
  if (name.includes(".")) return unknownCustom(name, value);
  const judged = judgedMajor(major);
  const majors = majorsOf(name);
  if (majors.length > 0) {
    const since = Math.min(...majors);
    const when = since > judged ? `only from PostgreSQL ${since} on` : `only up to PostgreSQL ${Math.max(...majors)}`;
    return { why: `It exists ${when}, and the image has ${judged}.`, fix: formerNames[name] ?? "Leave it out." };
  }
  const close = nearest(name, settingNames(major));
  const fix =
    formerNames[name] ??
    (close ? `Did you mean ${close}?` : "Look the name up in PostgreSQL's manual, or leave it out.");
  return { why: `PostgreSQL ${judged} has no parameter of this name and would not start.`, fix };
}

/** The settings of extensions: a file can hold exactly two plain names with a dot between, and any value without a zero byte. */
function unknownCustom(name: string, value: string): Finding | undefined {
  if (!/^[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*\.[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*$/.test(name)) {
    return {
      why: "An extension's parameter is two names of letters, digits and _ with one dot between.",
      fix: "Write it like pg_stat_statements.max.",
    };
  }
  return value.includes("\0")
    ? { why: `${name} holds a zero byte, which no PostgreSQL text can.`, fix: "Remove the zero byte." }
    : undefined;
}
