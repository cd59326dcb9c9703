import { type ChangeEffects, effects } from "../../components/postgres/effects";
import { code } from "./markdown";

/** An effect and, where there are others, when they apply. */
export function effectText({ effect, otherwise = [] }: ChangeEffects): string {
  return [code(effect), ...otherwise.map((other) => `${code(other.effect)} ${other.when}`)].join("; ");
}

/** The meaning of each effect, as a list. */
export function legend(): string {
  return Object.entries(effects)
    .map(([effect, meaning]) => `- ${code(effect)}: ${meaning}`)
    .join("\n");
}
