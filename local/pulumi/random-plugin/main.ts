import { main, type Provider } from "@pulumi/pulumi/provider";
import { hashSync } from "bcryptjs";
import { newPassword, rulesProblem } from "./password";
import { changedRules, isUnknown, type Properties, rulesOf, stateOf, unwrapped } from "./properties";

/** As the official provider's. */
const bcryptCost = 10;

/**
 * RandomPassword of the official random provider, for machines that cannot download that one. Inputs, outputs and
 * stored state are the same, so a stack can change between the two without a new password.
 */
const provider: Provider = {
  version: "4.18.4",

  async check(urn: string, _olds: Properties, news: Properties) {
    if (!urn.includes("random:index/randomPassword:RandomPassword::")) {
      throw new Error(`this random plugin makes RandomPassword only; ${urn} needs the official one`);
    }
    const problem = isUnknown(news) ? undefined : rulesProblem(rulesOf(news));
    return { inputs: news, failures: problem ? [problem] : [] };
  },

  async diff(_id: string, _urn: string, olds: Properties, news: Properties) {
    const replaces = changedRules(rulesOf(olds), rulesOf(news));
    return { changes: replaces.length > 0, replaces };
  },

  async create(_urn: string, inputs: Properties) {
    const rules = rulesOf(inputs);
    const result = newPassword(rules);
    // The official provider's fixed id: an id is never encrypted, so it must not say anything.
    return { id: "none", outs: stateOf(rules, result, hashSync(result, bcryptCost)) };
  },

  // Nothing outside the state knows the password: reading gives back what is stored.
  async read(id: string, _urn: string, props: Properties = {}) {
    if (props.result !== undefined) return { id, props };
    // An import: the id to import is the password.
    const rules = rulesOf({ length: id.length });
    const inputs = { length: id.length };
    return { id: "none", inputs, props: stateOf(rules, id, hashSync(id, bcryptCost)) };
  },

  async update(_id: string, _urn: string, olds: Properties, news: Properties) {
    return { outs: stateOf(rulesOf(news), `${unwrapped(olds.result)}`, `${unwrapped(olds.bcryptHash)}`) };
  },

  async delete() {},
};

// The engine ends its plugins; one whose engine was killed has to notice by itself.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit(0);
}, 2000).unref();

main(provider, process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
