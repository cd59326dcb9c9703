import { PolicyPack, type ResourceValidationPolicy, type StackValidationPolicy } from "@pulumi/policy";
import { type Rule, rules, type StackRule, stackRules } from "./rules";

/** A rule as Pulumi's engine asks for it; `keepVolumes` is set in a `--policy-pack-config` file, as `networkPolicy` is. */
function policyOf({ name, description, violations }: Rule): ResourceValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: "mandatory",
    ...(name === "volumes-retained" && {
      configSchema: { properties: { keepVolumes: { type: "boolean", default: true } } },
    }),
    validateResource: ({ type, props, getConfig }, reportViolation) => {
      for (const message of violations({ type, props }, getConfig())) reportViolation(message);
    },
  };
}

function stackPolicyOf({ name, description, violations }: StackRule): StackValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: "mandatory",
    configSchema: { properties: { networkPolicy: { type: "boolean", default: true } } },
    validateStack: ({ resources, getConfig }, reportViolation) => {
      for (const message of violations(resources, getConfig())) reportViolation(message);
    },
  };
}

new PolicyPack("kubernetes-postgres", { policies: [...rules.map(policyOf), ...stackRules.map(stackPolicyOf)] });
