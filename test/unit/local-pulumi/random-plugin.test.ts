import { expect } from "chai";
import fc from "fast-check";
import { newPassword, type PasswordRules, rulesProblem } from "../../../local/pulumi/random-plugin/password";
import {
  changedRules,
  isUnknown,
  rulesOf,
  secret,
  stateOf,
  unwrapped,
} from "../../../local/pulumi/random-plugin/properties";

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("the random plugin", () => {
  it("makes passwords that keep every rule", () => {
    const counts = fc.nat({ max: 5 });
    const rules = fc
      .record({
        minLower: counts,
        minUpper: counts,
        minNumeric: counts,
        minSpecial: counts,
        extra: fc.nat({ max: 20 }),
      })
      .map(({ extra, ...least }): PasswordRules => {
        const length = Object.values(least).reduce((sum, count) => sum + count, Math.max(1, extra));
        const all = { lower: true, upper: true, numeric: true, special: true };
        return { ...all, ...least, length, overrideSpecial: undefined, keepers: undefined };
      });
    fc.assert(
      fc.property(rules, (asked) => {
        expect(rulesProblem(asked)).to.equal(undefined);
        const password = newPassword(asked);
        const count = (pattern: RegExp): number => password.match(pattern)?.length ?? 0;
        expect(password).to.have.length(asked.length);
        expect(count(/[a-z]/g)).to.be.at.least(asked.minLower);
        expect(count(/[A-Z]/g)).to.be.at.least(asked.minUpper);
        expect(count(/[0-9]/g)).to.be.at.least(asked.minNumeric);
        expect(count(/[^a-zA-Z0-9]/g)).to.be.at.least(asked.minSpecial);
      }),
    );
  });

  it("uses only the kinds that are asked for", () => {
    expect(newPassword(rulesOf({ length: 500, special: false }))).to.match(/^[a-zA-Z0-9]+$/);
    expect(newPassword(rulesOf({ length: 500, lower: false, upper: false, numeric: false }))).to.match(
      /^[^a-zA-Z0-9]+$/,
    );
    const own = { length: 200, lower: false, upper: false, numeric: false, overrideSpecial: "_~" };
    expect(newPassword(rulesOf(own))).to.match(/^[_~]+$/);
  });

  it("refuses rules that no password keeps", () => {
    expect(rulesProblem(rulesOf({}))?.property).to.equal("length");
    expect(rulesProblem(rulesOf({ length: 3, minUpper: 4 }))?.reason).to.include("less than the minimums");
    const none = { length: 3, lower: false, upper: false, numeric: false, special: false };
    expect(rulesProblem(rulesOf(none))?.reason).to.include("switched off");
  });

  it("sees no difference between inputs and the state made from them", () => {
    const inputs = { length: 32, special: false, keepers: { generation: "1" } };
    const state = stateOf(rulesOf(inputs), "password", "hash");
    expect(changedRules(rulesOf(state), rulesOf(inputs))).to.deep.equal([]);
    expect(state.__meta).to.equal('{"schema_version":"3"}');
    expect(unwrapped(state.result)).to.equal("password");
    expect(JSON.stringify(state.bcryptHash)).to.include("4dabf18193072939515e22adb298388d");
  });

  it("sees no difference to a state of the official provider", () => {
    const state = {
      __meta: '{"schema_version":"3"}',
      bcryptHash: secret("h"),
      keepers: { generation: "1" },
      length: 32,
      lower: true,
      minLower: 0,
      minNumeric: 0,
      minSpecial: 0,
      minUpper: 0,
      number: true,
      numeric: true,
      result: secret("p"),
      special: false,
      upper: true,
    };
    expect(
      changedRules(rulesOf(state), rulesOf({ length: 32, special: false, keepers: { generation: "1" } })),
    ).to.deep.equal([]);
  });

  it("makes another password for other keepers or rules, and names them", () => {
    const before = rulesOf({ length: 32, keepers: { generation: "1" } });
    const changed = (inputs: Record<string, unknown>) => changedRules(before, rulesOf(inputs));
    expect(changed({ length: 32, keepers: { generation: "2" } })).to.deep.equal(["keepers"]);
    expect(changed({ length: 33, keepers: { generation: "1" } })).to.deep.equal(["length"]);
    expect(changed({ length: 32, special: false })).to.have.members(["special", "keepers"]);
    expect(changed({ length: 32, keepers: { generation: unknown } })).to.deep.equal(["keepers"]);
  });

  it("treats empty keepers as none, as the official provider does", () => {
    expect(
      changedRules(rulesOf({ length: 8 }), rulesOf({ length: 8, keepers: {}, overrideSpecial: "" })),
    ).to.deep.equal([]);
  });

  it("knows values that are not known yet, also inside secrets", () => {
    expect(isUnknown({ keepers: { a: unknown } })).to.equal(true);
    expect(isUnknown({ keepers: secret(unknown) })).to.equal(true);
    expect(isUnknown({ keepers: { a: "b" } })).to.equal(false);
  });
});
