import { nearest } from "../components/postgres/parameters/nearest";
import type { Problem } from "../components/postgres/problem";
import { settingNames } from "./schema";

/** What is wrong with the form of a setting, as the schema of the settings found it. */
export interface FormIssue {
  code: string;
  message: string;
  path: PropertyKey[];
  keys?: string[];
  values?: unknown[];
}

/** The settings as configuration holds them, as text. */
type FormSource = Readonly<Record<string, string>>;

/** Settings that are lists of named things, each with a name as an example. */
const lists = new Map([
  ["roles", "reporting"],
  ["databases", "reports"],
  ["extensions", "pg_trgm"],
]);

/** How `networkPolicy` and what is in it are written. */
const network = new Map([
  ["networkPolicy", "{clients: [{namespace: shop}]}"],
  ["enabled", "enabled: false"],
  ["clients", "- namespace: shop"],
  ["namespace", "namespace: shop"],
  ["namespaceLabels", "namespaceLabels: {team: shop}"],
  ["podLabels", "podLabels: {app: web}"],
]);

/** What an entry of these lists may refer to, with an example. */
const references = new Map([
  ["owner", "reporting"],
  ["database", "reports"],
]);

/** The problems that these issues are, as a person wrote the settings: each shows the value at its place. */
export function formProblems(issues: readonly FormIssue[], raw: FormSource): Problem[] {
  return issues.filter((issue) => !isMisspelt(issue, issues)).flatMap((issue) => problemsOf(issue, raw));
}

/** Whether a name is missing because its field is misspelt: that is one mistake. */
function isMisspelt({ path, message }: FormIssue, issues: readonly FormIssue[]): boolean {
  const [place, field] = [path.slice(0, -1).join("."), String(path.at(-1))];
  return (
    message === "is missing" &&
    issues.some((other) => other.path.join(".") === place && other.keys?.some((key) => nearest(key, [field]) === field))
  );
}

function problemsOf(
  { code, message, path: keys, keys: unknownKeys = [], values }: FormIssue,
  raw: FormSource,
): Problem[] {
  const path = keys.map(String);
  const [setting = "", ...rest] = path;
  if (code === "unrecognized_keys") {
    const known = path.length === 0 ? settingNames : fieldsOf(setting, rest);
    return unknownKeys.map((key) => ({
      setting: [...path, key].join("."),
      asked: written(valueAt([...path, key], raw)),
      why: "there is no setting of this name",
      fix: `${nearest(key, known) ? `did you mean ${nearest(key, known)}? Known` : "known"}: ${known.join(", ")}`,
    }));
  }
  const choices = values?.map(String).join(", ");
  const value = valueAt(path, raw);
  // Of what is missing, the place where it belongs can be shown.
  const shown = value === undefined ? valueAt(path.slice(0, -1), raw) : value;
  return [
    {
      setting: path.join("."),
      asked: written(shown),
      why: choices ? "is not one of the choices" : message,
      fix: choices ? `use one of: ${choices}` : (example(path, value) ?? `see docs/settings.md for ${setting}`),
    },
  ];
}

function fieldsOf(setting: string, path: string[]): string[] {
  if (setting === "encryption") return ["createKey", "keyId"];
  if (setting === "updateStrategy") return ["type", "partition"];
  if (setting === "tls")
    return path.length === 0 ? ["mode", "secretName", "issuer", "caCertificate"] : ["name", "kind", "group"];
  if (setting === "acknowledge") return ["major", "database", "user"];
  if (setting === "networkPolicy")
    return path.length === 0 ? ["enabled", "clients"] : ["namespace", "namespaceLabels", "podLabels"];
  if (setting === "roles") return ["name", "memberOf"];
  if (setting === "databases") return ["name", "owner"];
  if (setting === "extensions") return ["name", "database"];
  return path.length === 0 ? ["requests", "limits"] : ["cpu", "memory"];
}

/** How a list, one of its entries or a field of one is written; undefined for other settings. */
function example(path: string[], value: unknown): string | undefined {
  const [setting = "", index, field] = path;
  if (setting === "networkPolicy") {
    const usual = network.get(path.findLast((key) => network.has(key)) ?? setting);
    return path.at(-1) === "clients" ? `write a list: a line like "${usual}" for each` : `write it as "${usual}"`;
  }
  const usual = lists.get(setting);
  if (usual === undefined) return undefined;
  const name = typeof value === "string" && value !== "" ? value : undefined;
  if (index === undefined) return `write a list: a line like "- name: ${name ?? usual}" for each`;
  if (field === undefined) return `write it as "- name: ${name ?? usual}"`;
  if (field === "memberOf") return `write it as "memberOf: [${name ?? "readonly"}]"`;
  // YAML takes such text for a number, a boolean or nothing, unless it is quoted.
  const isPlain = typeof value === "number" || typeof value === "boolean";
  return `write it as "${field}: ${isPlain ? `'${value}'` : (references.get(field) ?? usual)}"`;
}

function valueAt([setting, ...rest]: string[], raw: FormSource): unknown {
  if (setting === undefined) return undefined;
  let value: unknown = structure(raw[setting]);
  for (const key of rest) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value;
}

/** Lists and sets of fields are JSON in the configuration; whatever else is there, is the text itself. */
function structure(text: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" ? value : text;
  } catch {
    return text;
  }
}

/** A value as one writes it on a line of YAML. */
function written(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value !== "object" || value === null) return `${value}`;
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${written(field)}`);
  return `{${fields.join(", ")}}`;
}
