import { canonicalName, settingOf } from "./catalog";

/**
 * The parameters that running servers take over only by a restart: those whose `context` is `postmaster`. All others are reloaded.
 *
 * A custom parameter (`pg_stat_statements.max`) counts as reloadable: its library decides, and the server reports it as pending until the
 * next restart where it cannot change while running. A name unknown to this major counts as restart: better a restart too many than a
 * setting that never takes effect.
 */
export function restartParameters(
  parameters: Readonly<Record<string, string>>,
  major: number | undefined,
): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => needsRestart(name, major)));
}

/** Whether a change of this parameter needs a restart of the server. */
export function needsRestart(name: string, major: number | undefined): boolean {
  if (name.includes(".")) return false;
  const context = settingOf(name, major)?.context;
  return context === undefined || context === "postmaster" || context === "internal";
}

/** Text of postgresql.conf: one line a parameter, sorted by name, so that a change of one setting is a change of one line. */
export function renderPostgresqlConf(parameters: Readonly<Record<string, string>>): string {
  const lines = Object.entries(parameters).map(([name, value]) => `${canonicalName(name)} = ${quoteValue(value)}`);
  return `${lines.sort().join("\n")}\n`;
}

const escapes: Readonly<Record<string, string>> = { "'": "''", "\\": "\\\\", "\n": "\\n", "\r": "\\r" };

/** A value as postgresql.conf needs it: plain numbers and words as they are, everything else in single quotes. */
function quoteValue(value: string): string {
  const plain = /^(-?[0-9]+[A-Za-z]*|-?[0-9]+\.[0-9]+|[A-Za-z_][A-Za-z0-9_.:/-]*)$/.test(value);
  return plain ? value : `'${value.replace(/['\\\n\r]/g, (character) => escapes[character] ?? character)}'`;
}
