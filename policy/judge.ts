import { rawSettings, type StackConfig } from "../local/pulumi/stack-file";
import { type Plan, planOf } from "../local/render/plan";
import { parseSettings } from "../stacks/settings";
import { type RuleSettings, rules, stackRules } from "./rules";

/** A rule that a resource breaks, and what to do. */
export interface Violation {
  rule: string;
  /** Kind and name. */
  resource: string;
  message: string;
}

/** All violations in a plan. */
export function violationsIn({ resources }: Plan, settings: RuleSettings): Violation[] {
  const each = resources.flatMap(({ type, name, inputs }) =>
    rules.flatMap((rule) =>
      rule
        .violations({ type, props: inputs }, settings)
        .map((message) => ({ rule: rule.name, resource: `${type.slice(type.lastIndexOf(":") + 1)} ${name}`, message })),
    ),
  );
  const judged = resources.map(({ type, inputs }) => ({ type, props: inputs }));
  const whole = stackRules.flatMap((rule) =>
    rule.violations(judged, settings).map((message) => ({ rule: rule.name, resource: "the stack", message })),
  );
  return [...each, ...whole];
}

/**
 * Judges what the program makes of a stack's settings, without an engine and without a cluster.
 * @throws SettingsError when the settings cannot work.
 */
export async function judge(stack: string, config: StackConfig): Promise<{ resources: number; found: Violation[] }> {
  const texts = Object.entries(rawSettings(config)).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
  const plan = await planOf(stack, Object.fromEntries(texts));
  const { keepVolumes = true, networkPolicy } = parseSettings(rawSettings(config)).args;
  const settings = { keepVolumes, networkPolicy: networkPolicy?.enabled ?? true };
  return { resources: plan.resources.length, found: violationsIn(plan, settings) };
}
