import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allSettingRows } from "../../components/postgres/setting-effects";
import type { SettingRow } from "../../components/postgres/setting-rows/row";
import { effectText, legend } from "./effects";
import { code, sentences, table } from "./markdown";
import { parameterNames, parameterRow } from "./parameters";

const root = join(__dirname, "..", "..");

/** Where the README's generated part begins and ends. */
const markers = {
  begin: "<!-- settings: `npm run docs` writes what follows -->",
  end: "<!-- end of settings -->",
};

/** A file that is generated, in whole or in part. */
export interface Document {
  file: string;
  text: string;
}

/** Every generated file with the text it has to have. */
export function documents(): Document[] {
  const readme = join(root, "README.md");
  return [
    { file: join(root, "docs", "settings.md"), text: settingsPage() },
    { file: readme, text: withSettings(readFileSync(readme, "utf8")) },
  ];
}

function settingsPage(): string {
  const head = ["setting", "default", "limits", "a change", "notes"];
  const settings = allSettingRows().map(([setting, row]) => [
    code(setting),
    row.default,
    limitsText(row),
    effectText(row),
    sentences(capitalised(row.meaning), row.change),
  ]);
  return `<!-- Written by npm run docs; the words are in components/postgres/setting-rows/. -->

# Settings

The settings of a stack, in \`Pulumi.<stack>.yaml\` under \`kubernetes-postgres:\`. Whatever is beyond the limits stops the
preview, with the reason and the way out. What "a change" does to a cluster that runs:

${legend()}

${table(head, settings)}

## Parameters

Every parameter of PostgreSQL, set under \`parameters:\`. Two defaults, as in \`128MB\` / \`512MB\`, are those of workload
\`development\` and \`production\` with their own resources and volume size. What is not computed has PostgreSQL's default.
Values and defaults are those of the newest major that has the parameter; where older ones differ, they follow in brackets.

${table(head, [...parameterNames().map(parameterRow), extensionRow])}
`;
}

const extensionRow = [
  code("parameters.<extension>.<name>"),
  "the extension's",
  "two names of letters, digits and `_`",
  effectText({ effect: "reload" }),
  "Where its library needs a restart, the server reports the change as pending until the next one.",
];

function withSettings(readme: string): string {
  const [before, rest] = readme.split(markers.begin);
  const [, after] = rest?.split(markers.end) ?? [];
  if (before === undefined || after === undefined)
    throw new Error(`README.md has no ${markers.begin} or no ${markers.end}`);
  const rows = allSettingRows().map(([setting, row]) => [
    code(setting),
    row.default,
    // Without its choices a setting cannot be understood.
    typeof row.limits === "string" ? row.meaning : `${limitsText(row)}: ${row.meaning}`,
    sentences(effectText(row), row.change),
  ]);
  const head = ["setting", "default", "meaning", "what a change does"];
  return `${before}${markers.begin}\n\n${table(head, rows)}\n\n${legend()}\n\n${markers.end}${after}`;
}

const limitsText = ({ limits }: SettingRow): string =>
  typeof limits === "string" ? limits : limits.map(code).join(", ");

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
