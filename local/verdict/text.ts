import { formatProblems } from "../../components/postgres/problem";
import type { SettingVerdict, Verdict } from "../../components/postgres/verdict/types";
import { derivedWords, facts, headline, oneLine, shortened } from "./words";

/** Follow-ups of a setting that are shown; the JSON has all. */
const mostDerived = 6;
const lineLength = 110;

/** A verdict for a terminal: what a person has to know, in ten seconds. */
export function textOf(verdict: Verdict): string {
  const { stack, outcome, unchanged, settings, settingsUnknown, problems } = verdict;
  if (outcome === "nothing") return `No changes: stack ${stack} is what its settings say (${unchanged} resources).`;
  if (outcome === "refused") return `Stack ${stack} stays as it is, for ${formatProblems(problems)}`;
  return [
    `up would change stack ${stack}: ${headline(verdict)}.`,
    ...(settingsUnknown === undefined ? [] : [settingsUnknown]),
    ...(settings.length > 0 ? ["", ...settingLines(settings)] : []),
    "",
    ...facts(verdict).flatMap(([label, words]) => wrapped(`  ${label.padEnd(9)}${words}`, 11)),
  ].join("\n");
}

function settingLines(settings: readonly SettingVerdict[]): string[] {
  const values = settings.map(({ before, after }) => `${oneLine(before)} -> ${oneLine(after)}`);
  const width = Math.max(...settings.map(({ setting }) => setting.length));
  const valueWidth = Math.min(40, Math.max(...values.map((value) => value.length)));
  return settings.flatMap((verdict, index) => [
    `  ${verdict.setting.padEnd(width)}  ${(values[index] ?? "").padEnd(valueWidth)}  ${verdict.class}`,
    ...(verdict.note === undefined ? [] : wrapped(`      ${verdict.note}`, 6)),
    ...(verdict.derived.length === 0
      ? []
      : wrapped(`      so ${shortened(verdict.derived.map(derivedWords), mostDerived)}`, 6)),
  ]);
}

/** A long line as several, the further ones indented. */
function wrapped(line: string, indent: number): string[] {
  const end = line.lastIndexOf(" ", lineLength);
  if (line.length <= lineLength || end <= indent) return [line];
  return [line.slice(0, end), ...wrapped(" ".repeat(indent) + line.slice(end + 1), indent)];
}
