import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { type Plan, planOf } from "../../local/render/plan";

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

const plans = new Map<string, Promise<Plan>>();

/** As `planOf`; what was planned before is not planned again. Whoever asks must not change it. */
export function knownPlanOf(stack: string, config: Record<string, string>): Promise<Plan> {
  const key = JSON.stringify([stack, config]);
  const plan = plans.get(key) ?? planOf(stack, config);
  plans.set(key, plan);
  return plan;
}
