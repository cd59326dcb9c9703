import type { PropertyPath } from "./types";

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Paths of the values that two trees do not have in common. */
export function differences(before: unknown, after: unknown, path: PropertyPath = []): PropertyPath[] {
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return Object.is(before, after) ? [] : [path];
  }
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) =>
    differences(old.get(key), now.get(key), [...path, Array.isArray(before) ? Number(key) : key]),
  );
}

/** The value at a path, or undefined where it ends early. */
export function valueAt(tree: unknown, ...path: PropertyPath): unknown {
  let value = tree;
  for (const key of path) {
    if (!isTree(value)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Whether one path is the other or lies within it. */
export function overlap(one: PropertyPath, other: PropertyPath): boolean {
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((key, index) => `${key}` === `${other[index]}`);
}

export const startsWith = (path: PropertyPath, ...start: PropertyPath): boolean =>
  path.length >= start.length && overlap(path, start);

/** A path as one reads it: `spec.containers[0].image`, `data["postgresql.conf"]`. */
export function pathText(path: PropertyPath): string {
  return path
    .map((key) =>
      typeof key === "number" ? `[${key}]` : /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    )
    .join("")
    .replace(/^\./, "");
}
