import { withDefaults, workloads } from "../../components/postgres/args";
import {
  connectionParameters,
  memoryParameters,
  streamingParameters,
  walParameters,
} from "../../components/postgres/parameters/budget";
import {
  canonicalName,
  knownMajors,
  majorsOf,
  type Setting,
  settingNames,
  settingOf,
} from "../../components/postgres/parameters/catalog";
import { strictness } from "../../components/postgres/parameters/check";
import { fixedValue, parameterEffects, perMajor, range } from "../../components/postgres/parameters/effects";
import { refusal, ruleOf } from "../../components/postgres/parameters/owned";
import { type ServerSize, serverParameters } from "../../components/postgres/parameters/sizing";
import { amount, readValue } from "../../components/postgres/parameters/value";
import { serverSize } from "../../components/postgres/spec";
import { effectText } from "./effects";
import { code, sentences } from "./markdown";

const gibi = 2 ** 30;
const onlyReports = "Only reports something about the server or a session";
const sizes = (["development", "production"] as const).map((workload) => serverSize(withDefaults({ workload })));

/** What a computed value may follow from: settings, and sizes in which they differ. */
const inputs: readonly (readonly [string, readonly Partial<ServerSize>[]])[] = [
  ["the memory limit", [0.125, 0.5, 2, 16, 256].map((size) => ({ memoryLimitBytes: size * gibi }))],
  ["the CPU limit", [100, 1000, 2000, 4000, 8000, 64_000].map((cpuMillicores) => ({ cpuMillicores }))],
  ["`storageSize`", [1, 10, 100, 1000].map((size) => ({ storageBytes: size * gibi }))],
  ["`replicas`", [1, 10, 11, 60].map((replicas) => ({ replicas }))],
  ["`workload`", workloads.map((workload) => ({ workload }))],
  ["PostgreSQL's major", knownMajors.map((major) => ({ major }))],
];

/** What a running server has, where PostgreSQL is built with a value that holds only until the server starts. */
const running: ReadonlyMap<string, string> = new Map([
  // initdb's options in components/postgres/scripts/initialise.sh.
  ["data_checksums", "on"],
  ["server_encoding", "UTF8"],
  // The manual: "The default is to use the database encoding."
  ["client_encoding", "UTF8"],
  // InitializeGUCOptionsFromEnvironment in guc.c raises it to 2MB, or to what the stack's limit less 512kB allows.
  ["max_stack_depth", "2MB"],
]);

/** Modes of files, which a running server shows as octal numbers. */
const fileModes: readonly string[] = ["data_directory_mode", "log_file_mode", "unix_socket_permissions"];

/** What parameters together are measured against. */
const measures: readonly (readonly [readonly string[], string])[] = [
  [memoryParameters, "Counts against the memory limit"],
  [walParameters, "Counts against `storageSize`"],
  [["max_slot_wal_keep_size"], "No limit (`-1`) is refused"],
  [streamingParameters, "At least what the `replicas` need"],
  [connectionParameters, "Not all connections can be reserved"],
];

/** Every parameter of every known major, by name. */
export function parameterNames(): string[] {
  const names = new Set(knownMajors.flatMap((major) => settingNames(major)));
  return [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
}

/** A parameter's row: setting, default, limits, effect, notes. */
export function parameterRow(name: string): string[] {
  return [
    code(`parameters.${name}`),
    defaultText(name),
    limitsText(name),
    effectText(parameterEffects(name)),
    notes(name),
  ];
}

/** The newest major's answer, and in brackets what older ones say where that differs. */
function byMajor(name: string, text: (setting: Setting) => string): string {
  const [newest, ...older] = perMajor(name, (major) => {
    const setting = settingOf(name, major);
    return setting === undefined ? "" : text(setting);
  });
  const differing = older.map(({ value, majors }) => `${range(majors)}: ${value}`);
  return `${newest?.value}${differing.length > 0 ? ` (${differing.join("; ")})` : ""}`;
}

function defaultText(name: string): string {
  const builtIn = byMajor(name, (setting) => (setting.default === undefined ? "none" : inUnits(setting)));
  const computed = sizes.map((size) => serverParameters(size)[name]);
  const values = [...new Set(computed.filter((value) => value !== undefined))];
  if (values.length === 0) return builtIn;
  const from = inputs.filter(([, variants]) => follows(name, variants)).map(([input]) => input);
  const shown = values.map((value) => code(value ?? "")).join(" / ");
  if (from.length > 0) return `${shown}, from ${from.join(" and ")}`;
  return isBuiltIn(name, values[0] ?? "") ? shown : `${shown}; PostgreSQL's: ${builtIn}`;
}

function follows(name: string, variants: readonly Partial<ServerSize>[]): boolean {
  return sizes.some(
    (size) => new Set(variants.map((variant) => serverParameters({ ...size, ...variant })[name])).size > 1,
  );
}

function inUnits({ name, default: value = "", unit, type }: Setting): string {
  const atRunTime = running.get(name);
  if (atRunTime !== undefined) return code(atRunTime);
  if (fileModes.includes(name)) return code(Number(value).toString(8).padStart(4, "0"));
  return code(type === "integer" || type === "real" ? amount(Number(value), unit) : value);
}

/** Whether a computed value is the one that all majors are built with. */
function isBuiltIn(name: string, value: string): boolean {
  return majorsOf(name).every((major) => {
    const setting = settingOf(name, major);
    const [ours, theirs] = [value, setting?.default ?? ""].map((text) => setting && readValue(setting, text));
    return ours?.ok === true && theirs?.ok === true && ours.normal === theirs.normal;
  });
}

function limitsText(name: string): string {
  const fixed = fixedValue(name, Math.max(...majorsOf(name)));
  if (fixed !== undefined) return fixed.value === undefined ? "cannot be set" : `only ${code(fixed.value)}`;
  const refused = ruleOf(name)?.refused?.map(code).join(", ");
  return `${byMajor(name, accepted)}${refused === undefined ? "" : `; refused: ${refused}`}`;
}

function accepted({
  name,
  type,
  values = [],
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
  unit,
}: Setting): string {
  switch (type) {
    case "bool":
      return "`on`, `off`";
    case "enum":
      return values
        .filter((value) => refusal(name, value) === undefined)
        .map(code)
        .join(", ");
    case "integer":
    case "real":
      // Reals that may be as large as any number have no bound worth telling.
      if (max > 1e300) return min < -1e300 ? "any number" : `${code(amount(min, unit))} or more`;
      return `${code(amount(min, unit))} to ${code(amount(strictnessOf(name)?.most ?? max, unit))}`;
    default:
      return "text";
  }
}

function strictnessOf(name: string) {
  return strictness.find(({ names }) => names.includes(canonicalName(name)));
}

function notes(name: string): string {
  const majors = majorsOf(name);
  const fixed = fixedValue(name, Math.max(...majors));
  return sentences(
    ruleOf(name)?.why ?? (fixed !== undefined && fixed.value === undefined ? onlyReports : undefined),
    strictnessOf(name)?.why,
    ...measures.filter(([names]) => names.includes(name)).map(([, measure]) => measure),
    majors.length < knownMajors.length ? `PostgreSQL ${range(majors)}` : undefined,
  );
}
