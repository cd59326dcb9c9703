import { settingOf } from "./catalog";
import { bytesPer, readValue } from "./value";

/**
 * The number that `parameters` give a parameter: bytes for a memory, otherwise its base unit. Undefined where it is not among them or
 * cannot be read. Names must be canonical.
 */
export function numberOf(
  name: string,
  parameters: Readonly<Record<string, string>>,
  major: number | undefined,
): number | undefined {
  const setting = settingOf(name, major);
  const text = parameters[name];
  if (setting === undefined || text === undefined) return undefined;
  const reading = readValue(setting, text);
  if (!reading.ok || reading.number === undefined) return undefined;
  // -1 ("no limit", "follows another") is no amount of memory.
  return reading.number < 0 ? reading.number : reading.number * bytesPer(setting.unit);
}

/** As {@link numberOf}, with PostgreSQL's own default where nothing else is said. */
export function effectiveNumber(
  name: string,
  parameters: Readonly<Record<string, string>>,
  major: number | undefined,
): number {
  const builtIn = settingOf(name, major)?.default ?? "0";
  return numberOf(name, parameters, major) ?? numberOf(name, { [name]: builtIn }, major) ?? 0;
}
