import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export {
  generatedCertificate,
  generatedPassword,
  type Plan,
  type PlannedResource,
  planOf,
} from "../../local/render/plan";

export const root = join(__dirname, "..", "..");

/** Configuration of a stack file, as the engine hands it to the program: every value is text. */
export function stackConfig(stack: string): Record<string, string> {
  const file: { config: Record<string, unknown> } = parse(readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8"));
  return asConfig(file.config);
}

/** Settings as the engine hands them to the program. */
export function asConfig(settings: Record<string, unknown>): Record<string, string> {
  const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : `${value}`);
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, text(value)]));
}
