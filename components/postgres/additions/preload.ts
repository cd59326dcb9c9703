import type { CompleteArgs } from "../args";
import { canonicalName } from "../parameters/catalog";
import type { Problem } from "../problem";

const parameter = "shared_preload_libraries";

/**
 * Extensions that the server must load as it starts, by their own documentation and error messages; each is also the
 * name of its library. Without it pg_stat_statements can be made and not be used, and the others cannot be made.
 */
export const preloaded: readonly string[] = ["citus", "pg_cron", "pg_stat_statements", "pgaudit", "timescaledb"];

/** Extensions whose library the server would not load: without this one would learn it only from the first query. */
export function preloadProblems({ extensions, parameters }: CompleteArgs): Problem[] {
  const [, list = ""] = Object.entries(parameters).find(([name]) => canonicalName(name) === parameter) ?? [];
  const loaded = librariesOf(list);
  const names = extensions.map(({ name }) => name);
  const missing = [...new Set(names)].filter((name) => preloaded.includes(name) && !loaded.includes(name));
  // Citus refuses to start behind another library.
  const all = [...loaded, ...missing].sort((a, b) => Number(b === "citus") - Number(a === "citus"));
  const now = loaded.length > 0 ? `has only ${loaded.join(", ")}` : "is not set";
  return missing.map((name) => ({
    setting: `extensions.${names.indexOf(name)}.name`,
    asked: name,
    why: `It works only where the server loads its library as it starts, and parameters.${parameter} ${now}.`,
    fix: `Under parameters write ${parameter}: ${all.join(", ")}. On a live cluster this restarts the pods one by one.`,
  }));
}

/** Names of libraries in a list of them, which may be quoted and have a folder or an ending: `"$libdir/pg_cron.so"`. */
function librariesOf(list: string): string[] {
  const names = list.split(",").map((library) => library.replace(/["\s]/g, "").replace(/^.*\//, ""));
  return names.map((name) => name.replace(/\.so$/, "")).filter((name) => name !== "");
}
