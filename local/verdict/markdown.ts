import type { SettingVerdict, Verdict } from "../../components/postgres/verdict/types";
import { derivedWords, facts, headline, oneLine } from "./words";

/** The hidden line by which a comment is found again, to be edited in place. */
export const marker = (stack: string): string => `<!-- kubernetes-postgres verdict: ${stack} -->`;

/** A verdict as a comment of a pull request. */
export function markdownOf(verdict: Verdict): string {
  const { stack, outcome, risk, settings, settingsUnknown, problems } = verdict;
  const judged = outcome === "changes" || outcome === "destructive" ? `, risk ${risk.level}` : "";
  return [
    marker(stack),
    `### PostgreSQL stack \`${stack}\`: ${headline(verdict)}${judged}`,
    ...(settingsUnknown === undefined ? [] : [settingsUnknown]),
    ...(settings.length > 0 ? [settingTable(settings)] : []),
    ...(problems.length > 0 ? [problems.map(problemItem).join("\n")] : []),
    ...(facts(verdict).length > 0
      ? [
          facts(verdict)
            .map(([label, words]) => `- **${label}**: ${escaped(words)}`)
            .join("\n"),
        ]
      : []),
    ...derivedDetails(settings),
  ].join("\n\n");
}

function settingTable(settings: readonly SettingVerdict[]): string {
  const rows = settings.map(({ setting, before, after, class: effect, note = "" }) => {
    const cells = [setting, before, after].map((value) => code(value).replaceAll("|", "\\|"));
    return `| ${[...cells, effect, escaped(note)].join(" | ")} |`;
  });
  return ["| setting | before | after | class | |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

const problemItem = ({ setting, asked, why, fix }: Verdict["problems"][number]): string =>
  `- ${code(setting)}${asked === "" ? "" : `: ${code(asked)}`}\n  ${escaped(why)}\n  **What to do**: ${escaped(fix)}`;

/** What follows from the settings, folded. */
function derivedDetails(settings: readonly SettingVerdict[]): string[] {
  const lines = settings
    .filter(({ derived }) => derived.length > 0)
    .map(
      ({ setting, derived }) => `- ${code(setting)}: ${derived.map((one) => escaped(derivedWords(one))).join(", ")}`,
    );
  if (lines.length === 0) return [];
  return [`<details><summary>What follows from the settings</summary>\n\n${lines.join("\n")}\n\n</details>`];
}

/** A value as code, which no run of backticks in it ends. */
function code(value: string): string {
  // An empty span would be two backticks that open another.
  const line = oneLine(value, 80) || '""';
  const runs = (line.match(/`+/g) ?? []).map(({ length }) => length);
  const fence = "`".repeat(Math.max(0, ...runs) + 1);
  return runs.length > 0 ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

/** Text that is no Markdown of its own, on one line. */
function escaped(text: string): string {
  return (
    text
      .replace(/\s+/g, " ")
      .replace(/[\\`*_|<[\]@#~&]/g, (sign) => `\\${sign}`)
      // GitHub and GitLab look for names and numbers in what Markdown left, without its backslashes.
      .replace(/[@#](?=\w)/g, "$&&#8203;")
  );
}
