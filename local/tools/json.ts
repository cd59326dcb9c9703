/** Reading JSON of unknown shape without casts: each function says what it found or `undefined`. */

/** The value at a path of keys and indexes, or undefined where the path ends early. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}

/** The string at a path. */
export function textAt(value: unknown, ...path: (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** `JSON.parse` whose result has to be looked at before use. */
export function parseJson(text: string): unknown {
  return JSON.parse(text);
}
