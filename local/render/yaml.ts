import { Document, parse, visit } from "yaml";
import { placeholder } from "./placeholder";

/** Keys that stand before the others, in the order in which people write them. */
const first = ["apiVersion", "kind", "metadata", "name", "namespace"];

/**
 * An object as YAML that every reader understands alike: kubectl reads YAML 1.1, in which `on` is true and 1_0 is ten,
 * others 1.2. Text of several lines is a block, and keys are in one order, so that a diff shows only what changed.
 */
export function toYaml(value: unknown): string {
  const document = new Document(ordered(value), { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === "string" && needsQuotes(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  // A placeholder stays on one line, for awk.
  return document.toString({ lineWidth: 0, blockQuote: "literal", doubleQuotedMinMultiLineLength: 1e6 });
}

function needsQuotes(text: string): boolean {
  if (text === placeholder) return true;
  if (text.includes("\n") || /^\d+(m|[KMGTPE]i)$/.test(text)) return false;
  // Numbers in any of their forms, dates and times.
  return /^[-+.\d]/.test(text) || (/^\w+$/.test(text) && typeof parse(text, { version: "1.1" }) !== "string");
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const rank = (key: string): number => (first.includes(key) ? first.indexOf(key) : first.length);
  const entries = Object.entries(value).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, ordered(entry)]));
}
