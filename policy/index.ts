import { PolicyPack, type ResourceValidationPolicy } from "@pulumi/policy";
import { type Rule, rules } from "./rules";

/** A rule as Pulumi's engine asks for it; `keepVolumes` is set in a `--policy-pack-config` file. */
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

new PolicyPack("kubernetes-postgres", { policies: rules.map(policyOf) });
