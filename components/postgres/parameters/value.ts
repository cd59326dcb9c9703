import type { Setting } from "./catalog";
import { nearest } from "./nearest";

/** A value as PostgreSQL would read it, or why it would not. */
export type ValueReading =
  | {
      readonly ok: true;
      /** One spelling for each value: `on` or `off` for a bool, lower case for an enum, the base unit's number for numbers. */
      readonly normal: string;
      /** Integer and real: the number, in the setting's base unit. */
      readonly number?: number;
    }
  | { readonly ok: false; readonly why: string; readonly fix: string };

/** Units of memory in bytes and of time in microseconds, largest first: the order in which fractions are rounded to the next. */
const memoryUnits: readonly Unit[] = [
  { name: "TB", size: 1024 ** 4 },
  { name: "GB", size: 1024 ** 3 },
  { name: "MB", size: 1024 ** 2 },
  { name: "kB", size: 1024 },
  { name: "B", size: 1 },
];
const timeUnits: readonly Unit[] = [
  { name: "d", size: 86_400_000_000 },
  { name: "h", size: 3_600_000_000 },
  { name: "min", size: 60_000_000 },
  { name: "s", size: 1_000_000 },
  { name: "ms", size: 1000 },
  { name: "us", size: 1 },
];

interface Unit {
  readonly name: string;
  readonly size: number;
}

/** What people write instead of PostgreSQL's units, which are case-sensitive. */
const mistakenUnits: Readonly<Record<string, string>> = {
  ...{
    b: "B",
    k: "kB",
    kb: "kB",
    ki: "kB",
    kib: "kB",
    m: "MB",
    mb: "MB",
    mi: "MB",
    mib: "MB",
    g: "GB",
    gb: "GB",
    gi: "GB",
  },
  ...{ gib: "GB", t: "TB", tb: "TB", ti: "TB", tib: "TB" },
};
const mistakenTimes: Readonly<Record<string, string>> = {
  ...{
    m: "min",
    mins: "min",
    minute: "min",
    minutes: "min",
    sec: "s",
    secs: "s",
    second: "s",
    seconds: "s",
    hour: "h",
  },
  ...{ hours: "h", hr: "h", day: "d", days: "d", msec: "ms", millis: "ms", usec: "us" },
};

/** Spellings of an enum that PostgreSQL takes but pg_settings does not list (`wal_level = hot_standby`). */
const hiddenChoices: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  wal_level: { archive: "replica", hot_standby: "replica" },
  client_min_messages: { debug: "debug2", info: "info" },
  icu_validation_level: { debug: "debug2", info: "info" },
  log_min_messages: { debug: "debug2" },
  log_min_error_statement: { debug: "debug2" },
  trace_recovery_messages: { debug: "debug2", info: "info" },
};

/**
 * Reads a value by PostgreSQL's own rules (manual, "Parameter Names and Values"; its source, guc.c): prefixes of true, false, yes and
 * no; hexadecimal and fractional numbers; a unit only where the setting has a base unit; fractions rounded to the next smaller unit.
 */
export function readValue(setting: Setting, text: string): ValueReading {
  switch (setting.type) {
    case "bool":
      return readBool(setting, text);
    case "enum":
      return readEnum(setting, text);
    case "integer":
    case "real":
      return readNumber(setting, text);
    default:
      return readString(setting, text);
  }
}

/** A number of base units as one writes it: `amount(16384, "8kB")` is `128MB`; plain where there is no unit or it is not positive. */
export function amount(value: number, unit: string | undefined): string {
  const { units, base } = scaleOf(unit);
  if (value <= 0) return String(value);
  const exact = units.find(({ size }) => Number.isInteger((value * base) / size));
  return exact === undefined ? String(value) : `${(value * base) / exact.size}${exact.name}`;
}

/** Bytes in one base unit of a memory setting (`8kB` is 8192); 1 where the setting has no unit of memory. */
export function bytesPer(unit: string | undefined): number {
  const scale = scaleOf(unit);
  return scale.units === memoryUnits ? scale.base : 1;
}

/** `on`, `off`, or undefined where PostgreSQL would not take the text for a bool. */
function readSwitch(text: string): "on" | "off" | undefined {
  const lower = text.toLowerCase();
  const isPrefixOf = (word: string, shortest = 1) => lower.length >= shortest && word.startsWith(lower);
  if (lower === "1" || isPrefixOf("true") || isPrefixOf("yes") || lower === "on") return "on";
  // A lone "o" could be either.
  return lower === "0" || isPrefixOf("false") || isPrefixOf("no") || isPrefixOf("off", 2) ? "off" : undefined;
}

function readBool({ name }: Setting, text: string): ValueReading {
  const normal = readSwitch(text);
  if (normal !== undefined) return { ok: true, normal };
  return { ok: false, why: `${name} is either on or off.`, fix: "Write on or off." };
}

function readEnum({ name, values = [] }: Setting, text: string): ValueReading {
  const lower = text.toLowerCase();
  const listed = values.find((value) => value.toLowerCase() === lower) ?? hiddenChoices[name]?.[lower];
  if (listed !== undefined) return { ok: true, normal: listed };
  // Where on and off are among the choices, PostgreSQL takes the full words of a bool too (but no prefixes).
  const word = values.includes("on") && /^(true|false|yes|no|1|0)$/.test(lower) ? readSwitch(lower) : undefined;
  if (word !== undefined) return { ok: true, normal: word };
  const close = nearest(lower, values);
  const choices = values.length === 1 ? values[0] : `${values.slice(0, -1).join(", ")} or ${values[values.length - 1]}`;
  return {
    ok: false,
    why: `${name} takes only ${choices}.`,
    fix: close ? `Did you mean ${close}?` : "Choose one of them.",
  };
}

function readString({ name }: Setting, text: string): ValueReading {
  if (!text.includes("\0")) return { ok: true, normal: text };
  return { ok: false, why: `${name} holds a zero byte, which no PostgreSQL text can.`, fix: "Remove the zero byte." };
}

const decimal = /^\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(\S*)\s*$/;
const octal = /^\s*([+-]?)0([0-7]+)(?![0-9.eE])\s*(\S*)\s*$/;
const hexadecimal = /^\s*([+-]?)0[xX]([0-9a-fA-F]+)\s*(\S*)\s*$/;

function readNumber(setting: Setting, text: string): ValueReading {
  const { name, unit, type } = setting;
  const parts = splitNumber(text, type === "integer");
  if (parts === undefined) {
    const example = setting.default ?? "1";
    const shown = unit === undefined ? example : amount(Math.max(1, Number(example)), unit);
    return {
      ok: false,
      why: `${name} is a number${unit === undefined ? "" : " with a unit"}.`,
      fix: `Write it like ${shown}.`,
    };
  }
  const scaled = parts.unit === "" ? parts.number : toBase(parts.number, parts.unit, unit);
  if (scaled === undefined) return wrongUnit(setting, parts.number, parts.unit);
  const number = type === "integer" ? roundHalfEven(scaled) : scaled;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = setting;
  if (number >= min && number <= max) return { ok: true, normal: String(number), number };
  // Reals that may be as large as any number have no bound worth telling.
  const range = max > 1e300 ? `${min} or more` : `between ${amount(min, unit)} and ${amount(max, unit)}`;
  const counted =
    unit !== undefined && parts.unit === "" && number > 0
      ? ` Without a unit, ${number} counts as ${amount(number, unit)}.`
      : "";
  return {
    ok: false,
    why: `${name} must be ${range}.${counted}`,
    fix: number < min ? `Write ${amount(min, unit)} or more.` : `Write ${amount(max, unit)} or less.`,
  };
}

/** The number and what follows it. As in C, an integer may be hexadecimal (0x10) or octal (010). */
function splitNumber(text: string, isInteger: boolean): { number: number; unit: string } | undefined {
  // 08 is no octal number, and a leading zero makes it one.
  if (isInteger && /^\s*[+-]?0[0-9]*[89]/.test(text)) return undefined;
  const [, hexSign, hexDigits, hexUnit = ""] = hexadecimal.exec(text) ?? [];
  if (hexDigits !== undefined) return { number: Number.parseInt(`${hexSign}${hexDigits}`, 16), unit: hexUnit };
  const [, octalSign, octalDigits, octalUnit = ""] = (isInteger && octal.exec(text)) || [];
  if (octalDigits !== undefined) return { number: Number.parseInt(`${octalSign}${octalDigits}`, 8), unit: octalUnit };
  const [, digits, unit = ""] = decimal.exec(text) ?? [];
  return digits === undefined ? undefined : { number: Number(digits), unit };
}

function toBase(number: number, written: string, unit: string | undefined): number | undefined {
  const { units, base } = scaleOf(unit);
  const index = units.findIndex(({ name }) => name === written);
  const found = units[index];
  if (found === undefined) return undefined;
  const next = units[index + 1];
  const value = (number * found.size) / base;
  // 30.1GB becomes a whole number of megabytes, as PostgreSQL makes it.
  return next === undefined ? value : roundHalfEven(value / (next.size / base)) * (next.size / base);
}

function wrongUnit({ name, unit }: Setting, number: number, written: string): ValueReading {
  const { units } = scaleOf(unit);
  if (units.length === 0) {
    return { ok: false, why: `${name} is a plain number; it has no unit ${written}.`, fix: `Write ${number}.` };
  }
  const meant = (units === memoryUnits ? mistakenUnits : mistakenTimes)[written.toLowerCase()];
  const names = units.map((known) => known.name).join(", ");
  return {
    ok: false,
    why: `PostgreSQL knows no unit ${written} for ${name}; it knows ${names}, written exactly so.`,
    fix: meant === undefined ? "Use one of these units." : `Did you mean ${number}${meant}?`,
  };
}

function scaleOf(unit: string | undefined): { units: readonly Unit[]; base: number } {
  const [, count, name] = /^([0-9]*)([A-Za-z]+)$/.exec(unit ?? "") ?? [];
  const units = [memoryUnits, timeUnits].find((known) => known.some((candidate) => candidate.name === name)) ?? [];
  return { units, base: Number(count || 1) * (units.find((candidate) => candidate.name === name)?.size ?? 1) };
}

/** C's rint: a half goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
