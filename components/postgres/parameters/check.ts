import type { Problem } from "../problem";
import { budgetProblems } from "./budget";
import { canonicalName, judgedMajor, majorsOf, settingNames, settingOf } from "./catalog";
import { nearest } from "./nearest";
import { formerNames, refusal } from "./owned";
import type { ServerSize } from "./sizing";
import { readValue } from "./value";

type Finding = Pick<Problem, "why" | "fix">;

/** Where PostgreSQL is stricter than pg_settings tells; numbers are in the parameter's unit. */
interface Strictness extends Finding {
  readonly names: readonly string[];
  readonly fails: (value: number) => boolean;
  /** The largest value, where that is all there is to it. */
  readonly most?: number;
}

/** What is left of a container's stack, in kB. */
const largestStack = 7680;

export const strictness: readonly Strictness[] = [
  {
    names: ["min_wal_size", "max_wal_size"],
    fails: (megabytes) => megabytes < 32,
    why: "It must hold two WAL segments of 16MB, or the server does not start.",
    fix: "Use 32MB or more.",
  },
  {
    names: ["max_stack_depth"],
    fails: (kilobytes) => kilobytes > largestStack,
    most: largestStack,
    why: "The stack in a container is 8MB, and the server keeps 512kB of it.",
    fix: `Use ${largestStack}kB or less.`,
  },
  {
    names: ["vacuum_buffer_usage_limit"],
    fails: (kilobytes) => kilobytes > 0 && kilobytes < 128,
    why: "Apart from 0 (no limit), less than 128kB is too little to work with.",
    fix: "Use 0 or 128kB and more.",
  },
  {
    names: [
      ...["commit_timestamp_buffers", "multixact_member_buffers", "multixact_offset_buffers", "notify_buffers"],
      ...["serializable_buffers", "subtransaction_buffers", "transaction_buffers"],
    ],
    fails: (pages) => pages % 16 !== 0,
    why: "PostgreSQL divides these buffers into banks of 16 pages (128kB).",
    fix: "Use a multiple of 128kB.",
  },
  {
    names: ["io_max_concurrency"],
    fails: (count) => count === 0,
    why: "Each process needs one operation at least.",
    fix: "Use -1 (chosen by PostgreSQL) or 1 and more.",
  },
];

/**
 * What cannot work about the postgresql.conf settings that a user asked for: PostgreSQL would refuse them, they belong to the component,
 * they lose data, or they do not fit the pod. Empty when all can. An unknown major is judged as the newest known one.
 * @param size the pod's; where only its major is known, nothing is measured against the pod.
 */
export function checkParameters(
  parameters: Readonly<Record<string, string>>,
  size: ServerSize | Pick<ServerSize, "major">,
): Problem[] {
  const good: Record<string, string> = {};
  const problems: Problem[] = [];
  const report = (name: string, asked: string, finding: Finding) =>
    problems.push({ setting: `parameters.${name}`, asked, ...finding });
  for (const [name, value] of Object.entries(parameters)) {
    const canonical = canonicalName(name);
    const finding = Object.keys(good).includes(canonical)
      ? { why: "It is set twice: PostgreSQL ignores case in names.", fix: "Remove one of them." }
      : findingOf(canonical, value, size.major);
    if (finding === undefined) good[canonical] = value;
    else report(name, value, finding);
  }
  return "memoryLimitBytes" in size ? [...problems, ...budgetProblems(good, size)] : problems;
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
  return tooStrict(name, reading?.number);
}

/** Settings of one session or transaction, which PostgreSQL refuses in a file though pg_settings does not say so. */
export const notInFile: ReadonlySet<string> = new Set([
  "transaction_deferrable",
  "transaction_isolation",
  "transaction_read_only",
]);

function tooStrict(name: string, number: number | undefined): Finding | undefined {
  const broken = strictness.find(({ names, fails }) => names.includes(name) && number !== undefined && fails(number));
  return broken === undefined ? undefined : { why: broken.why, fix: broken.fix };
}

function unknown(name: string, value: string, major: number | undefined): Finding | undefined {
  if (name.includes(".")) return unknownCustom(name, value);
  const judged = judgedMajor(major);
  const majors = majorsOf(name);
  if (majors.length > 0) {
    const since = Math.min(...majors);
    const when = since > judged ? `only from PostgreSQL ${since} on` : `only up to PostgreSQL ${Math.max(...majors)}`;
    return { why: `It exists ${when}, and the image has ${judged}.`, fix: formerNames.get(name) ?? "Leave it out." };
  }
  const close = nearest(name, settingNames(major));
  const fix =
    formerNames.get(name) ??
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
