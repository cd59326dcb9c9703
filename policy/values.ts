// The pack reads inputs of any resource, and is published as this folder alone: so it shares no code with the program.

/** The value at a path; undefined where there is none. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path; empty where there is none. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The names and texts of a set of fields, such as the data of a ConfigMap. */
export function textsAt(value: unknown, ...path: (string | number)[]): [name: string, text: string][] {
  const found = at(value, ...path);
  if (typeof found !== "object" || found === null) return [];
  return Object.keys(found).map((name) => [name, textAt(found, name)]);
}
