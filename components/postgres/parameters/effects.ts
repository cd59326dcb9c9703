import type { ChangeEffects, Effect } from "../effects";
import { knownMajors, majorsOf, type Setting, settingOf } from "./catalog";
import { notInFile } from "./check";
import { needsRestart } from "./classify";
import { ruleOf } from "./owned";

/** What a change of a parameter does on one major that has it; `refused` where all values but one are. */
export function parameterEffect(name: string, major: number | undefined): Effect {
  if (fixedValue(name, major) !== undefined) return "refused";
  return needsRestart(name, major) ? "restart" : "reload";
}

/** What a parameter cannot be changed from: its one `value`, or nothing may be set at all. Undefined where there is a choice. */
export function fixedValue(name: string, major: number | undefined): { value?: string } | undefined {
  const setting = settingOf(name, major);
  if (setting?.context === "internal" || notInFile.has(name)) return {};
  const rule = ruleOf(name);
  if (rule !== undefined && rule.refused === undefined) return { value: rule.allowed?.[name] };
  const [value, another] = choices(setting).filter((choice) => !rule?.refused?.includes(choice));
  return value !== undefined && another === undefined ? { value } : undefined;
}

/** The values of a parameter that has few of them; a number of one possible value has one. */
function choices(setting: Setting | undefined): readonly string[] {
  if (setting?.type === "bool") return ["on", "off"];
  if (setting?.min !== undefined && setting.min === setting.max) return [`${setting.min}`];
  return setting?.values ?? [];
}

/** What changes of a parameter do, on the newest major that has it and on older ones where that differs. */
export function parameterEffects(name: string): ChangeEffects {
  const [newest, ...older] = perMajor(name, (major) => parameterEffect(name, major));
  if (newest === undefined) throw new Error(`no known major has a parameter ${name}`);
  const otherwise = older.map(({ value, majors }) => ({ effect: value, when: `on PostgreSQL ${range(majors)}` }));
  return { effect: newest.value, ...(otherwise.length > 0 && { otherwise }) };
}

/** What the majors that have a parameter say about it: one entry for each answer, that of the newest major first. */
export function perMajor<T>(name: string, ask: (major: number) => T): { value: T; majors: number[] }[] {
  const answers: { value: T; majors: number[] }[] = [];
  for (const major of [...majorsOf(name)].sort((a, b) => b - a)) {
    const value = ask(major);
    const same = answers.find((answer) => answer.value === value);
    if (same === undefined) answers.push({ value, majors: [major] });
    else same.majors.unshift(major);
  }
  return answers;
}

/** Majors as one reads them: `17`, `14 to 17`, `up to 15` and `from 17` where that reaches the oldest or newest known. */
export function range(majors: readonly number[]): string {
  const [first, last] = [Math.min(...majors), Math.max(...majors)];
  if (majors.length < knownMajors.filter((major) => major >= first && major <= last).length) return majors.join(", ");
  if (first === last) return `${first}`;
  if (first === Math.min(...knownMajors)) return `up to ${last}`;
  return last === Math.max(...knownMajors) ? `from ${first} on` : `${first} to ${last}`;
}
