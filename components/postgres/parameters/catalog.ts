import catalog from "./settings.json";

/** What pg_settings says about a parameter; the file is made by local/parameters/refresh.ts. Numbers are in `unit`. */
export interface SettingEntry {
  /** `bool`, `integer`, `real`, `string` or `enum`. */
  readonly type: string;
  /** When it can change: `internal` never, `postmaster` at a restart, all others while running. */
  readonly context: string;
  /** Base unit of a memory or time: `B`, `kB`, `8kB`, `MB`, `ms`, `s`, `min`. */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  /** The choices of an enum. */
  readonly values?: readonly string[];
  /** The value PostgreSQL is built with, in `unit`; none where it is empty or depends on the build. */
  readonly default?: string;
  /** The majors that have it, where not all do. */
  readonly majors?: readonly number[];
  /** What it is in an older major, where that differs. */
  readonly differs?: Readonly<Record<string, Omit<SettingEntry, "majors" | "differs">>>;
}

/** A parameter as one major has it. `name` is spelled as PostgreSQL spells it. */
export interface Setting extends Omit<SettingEntry, "majors" | "differs"> {
  readonly name: string;
}

/** The PostgreSQL majors this program knows, oldest first. */
export const knownMajors: readonly number[] = catalog.majors;

const newestMajor = Math.max(...knownMajors);

const entries: ReadonlyMap<string, SettingEntry> = new Map(Object.entries<SettingEntry>(catalog.settings));

// PostgreSQL ignores case in names; a few are spelled with capitals (TimeZone, DateStyle).
const spellings = new Map([...entries.keys()].map((name) => [name.toLowerCase(), name]));

/** The major to judge by: itself where known, else the newest known (an image that names no version is most likely new). */
export function judgedMajor(major: number | undefined): number {
  return major !== undefined && knownMajors.includes(major) ? major : newestMajor;
}

/** PostgreSQL's own spelling of a name (`timezone` is `TimeZone`); an unknown name in lower case. */
export function canonicalName(name: string): string {
  return spellings.get(name.toLowerCase()) ?? name.toLowerCase();
}

/** The majors that have a parameter; empty when none known does. */
export function majorsOf(name: string): readonly number[] {
  const entry = entries.get(canonicalName(name));
  return entry === undefined ? [] : (entry.majors ?? knownMajors);
}

/** What `major` (see {@link judgedMajor}) says about a parameter; undefined when it has none of that name. */
export function settingOf(name: string, major: number | undefined): Setting | undefined {
  const canonical = canonicalName(name);
  const entry = entries.get(canonical);
  const judged = judgedMajor(major);
  if (entry === undefined || !majorsOf(canonical).includes(judged)) return undefined;
  const { majors: _, differs, ...newest } = entry;
  return { name: canonical, ...(differs?.[judged] ?? newest) };
}

/** Names of all parameters that `major` has. */
export function settingNames(major: number | undefined): string[] {
  return [...entries.keys()].filter((name) => majorsOf(name).includes(judgedMajor(major)));
}
