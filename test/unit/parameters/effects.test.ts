import { expect } from "chai";
import { knownMajors, settingNames, settingOf } from "../../../components/postgres/parameters/catalog";
import { findingOf } from "../../../components/postgres/parameters/check";
import { parameterEffect, parameterEffects } from "../../../components/postgres/parameters/effects";
import { readValue } from "../../../components/postgres/parameters/value";
import { podTemplate } from "../../../components/postgres/pod";
import { clusterSpec } from "../../../components/postgres/spec";

/** Values worth trying, of which those stay that the checks accept; one for each meaning. */
function acceptedValues(name: string, major: number): string[] {
  const setting = settingOf(name, major);
  if (setting === undefined) throw new Error(`PostgreSQL ${major} has no ${name}`);
  const { min = 0, max = 1000, values = [], default: builtIn = "" } = setting;
  const byType: Record<string, string[]> = {
    bool: ["on", "off"],
    enum: [...values],
    string: ["", "a", "b", "0", "off", "on", "*", "5432", "stderr", "scram-sha-256"],
  };
  const numbers = [min, max, Math.min(max, min + 1), 0, 128, 160, 1024, Number(builtIn)].map(String);
  const accepted = (byType[setting.type] ?? numbers).filter((value) => findingOf(name, value, major) === undefined);
  const meaning = (value: string): string => {
    const reading = readValue(setting, value);
    return reading.ok ? reading.normal : value;
  };
  return [...new Map(accepted.map((value) => [meaning(value), value])).values()];
}

function planned(name: string, value: string, major: number): { template: unknown; conf: string } {
  const spec = clusterSpec({ image: `postgres:${major}`, parameters: { [name]: value } }, {});
  return { template: podTemplate(spec), conf: spec.postgresqlConf };
}

describe("what a change of a parameter does is what the plan shows:", () => {
  for (const major of knownMajors) {
    it(`every parameter of PostgreSQL ${major}`, () => {
      for (const name of settingNames(major)) {
        const stated = parameterEffect(name, major);
        const [first, second] = acceptedValues(name, major);
        if (first === undefined || second === undefined) {
          expect(stated, `${name}, which has no two values`).to.equal("refused");
          continue;
        }
        // PostgreSQL's own word for "only at the start".
        const expected = settingOf(name, major)?.context === "postmaster" ? "restart" : "reload";
        expect(stated, `${name}, which can be ${first} and ${second}`).to.equal(expected);
        const [before, after] = [planned(name, first, major), planned(name, second, major)];
        expect(after.conf, name).to.not.equal(before.conf);
        if (stated === "restart") expect(after.template, name).to.not.deep.equal(before.template);
        else expect(after.template, name).to.deep.equal(before.template);
      }
    });
  }

  it("an extension's parameter", () => {
    expect(parameterEffect("pg_stat_statements.max", 16)).to.equal("reload");
    const [before, after] = ["100", "200"].map((value) => planned("pg_stat_statements.max", value, 16));
    expect(after?.template).to.deep.equal(before?.template);
  });
});

describe("what changes of a parameter do on several majors", () => {
  it("is told for the newest, and for older ones where it differs", () => {
    expect(parameterEffects("work_mem")).to.deep.equal({ effect: "reload" });
    expect(parameterEffects("autovacuum_max_workers")).to.deep.equal({
      effect: "reload",
      otherwise: [{ effect: "restart", when: "on PostgreSQL up to 17" }],
    });
  });

  it("is refused for what the component owns, and where one value alone is left", () => {
    for (const name of ["port", "primary_conninfo", "server_version", "transaction_isolation", "fsync"]) {
      expect(parameterEffects(name).effect, name).to.equal("refused");
    }
    expect(parameterEffects("huge_pages").effect).to.equal("restart");
  });
});
