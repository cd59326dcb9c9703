import type { EngineEvent } from "@pulumi/pulumi/automation";
import { at, textAt } from "../tools/json";
import { kindOfType, nameOfUrn } from "./checkpoint";

/** How a resource changes. `keep`: the stack no longer has it, and it stays in the cluster. */
export type Change = "create" | "update" | "replace" | "delete" | "keep" | "read";

/** One resource that changes, as the engine plans it. */
export interface PlannedChange {
  change: Change;
  /** E.g. `StatefulSet`. */
  kind: string;
  /** Name in the cluster, with the namespace; else the resource's name in the program. */
  name: string;
  /** Paths of the properties that change, with short values where these are not secret. */
  details: string[];
}

const changes = new Map<string, Change>([
  ["create", "create"],
  ["import", "create"],
  ["update", "update"],
  ["replace", "replace"],
  ["delete", "delete"],
  ["read", "read"],
]);

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

/**
 * What a step does to a resource; undefined for steps nobody needs to see.
 * @param kept whether the resource stays in the cluster when the stack deletes it.
 * @param custom whether it is more than a group of others.
 * @param paths what differs; nothing where an update only waits again for what was not complete when it was read.
 */
export function changeOf(
  op: string,
  type: string,
  kept: boolean,
  custom: boolean,
  paths: readonly string[],
): Change | undefined {
  const structural = type === "pulumi:pulumi:Stack" || type.startsWith("pulumi:providers:");
  if (structural || !custom || (op === "update" && paths.length === 0)) return undefined;
  return op === "delete" && kept ? "keep" : changes.get(op);
}

/** What an event's step does to a resource; undefined for steps nobody needs to see. */
export function plannedChange(metadata: Metadata): PlannedChange | undefined {
  const { op, type, urn, old: before, new: after } = metadata;
  const kept = before?.retainOnDelete === true;
  const change = changeOf(op, type, kept, (after ?? before)?.custom === true, changedPaths(metadata));
  if (change === undefined) return undefined;
  const name = nameOf(urn, (after ?? before)?.inputs);
  return { change, kind: kindOfType(type), name, details: detailsOf(metadata) };
}

/** Name in the cluster, with the namespace; else the resource's name in the program. */
export function nameOf(urn: string, inputs: unknown): string {
  const name = textAt(inputs, "metadata", "name");
  const namespace = textAt(inputs, "metadata", "namespace");
  if (name === undefined) return nameOfUrn(urn);
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * Paths of the properties that differ; some providers only name what makes them replace.
 * @param named what the engine tells beside the detailed difference, the more telling first.
 */
export function pathsOf(detailed: unknown, ...named: unknown[]): string[] {
  const paths = typeof detailed === "object" && detailed !== null ? Object.keys(detailed) : [];
  const lists = [paths, ...named].map((list) =>
    Array.isArray(list) ? list.filter((path): path is string => typeof path === "string") : [],
  );
  return lists.find((list) => list.length > 0) ?? [];
}

const changedPaths = ({ detailedDiff, diffs, keys }: Metadata): string[] => pathsOf(detailedDiff, diffs, keys);

function detailsOf(metadata: Metadata): string[] {
  const { old: before, new: after } = metadata;
  return changedPaths(metadata).map((path) => {
    const keys = path.split(/[.[\]"]+/).filter((key) => key !== "");
    const [from, to] = [shortValue(at(before?.inputs, ...keys)), shortValue(at(after?.inputs, ...keys))];
    return from === undefined && to === undefined ? path : `${path}: ${from ?? "none"} -> ${to ?? "none"}`;
  });
}

/** A single-line value; longer ones are files whose path says enough. The engine has already masked secrets. */
function shortValue(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  return typeof value === "string" && value.length <= 60 && !value.includes("\n") ? value : undefined;
}

/** What was done to a resource, in a word. */
export const pastTense: Record<Change, string> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
  keep: "kept",
  read: "read",
};

/** An error or warning of the program or a provider, without colours. */
export function diagnosticText(event: EngineEvent, severity: "error" | "warning"): string | undefined {
  const diagnostic = event.diagnosticEvent;
  if (diagnostic === undefined || diagnostic.severity !== severity || diagnostic.ephemeral) return undefined;
  const text = withoutColours(diagnostic.message);
  return text === "" || /^(update|preview|destroy) failed$/.test(text) ? undefined : text;
}

/** What the engine says, without its marks for colours. */
export const withoutColours = (text: string): string => text.replace(/<\{%[^%]*%\}>/g, "").trim();
