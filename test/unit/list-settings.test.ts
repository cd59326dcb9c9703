import { expect } from "chai";
import { formatProblems } from "../../components/postgres/problem";
import { parseSettings } from "../../stacks/settings";
import { asConfig } from "./plan";

/** What a person is told: setting, value, reason and way out. */
function told(settings: Record<string, unknown>): string[] {
  const { problems } = parseSettings(asConfig(settings));
  return problems.map(({ setting, asked, why, fix }) => `${setting} | ${asked} | ${why} | ${fix}`);
}

/** Settings that are right, and refer to what the wrong ones below should have made. */
const referring = {
  databases: [{ name: "warehouse", owner: "etl" }],
  extensions: [{ name: "hstore" }, { name: "pg_trgm", database: "warehouse" }],
};

describe("a list in the settings that is badly written", () => {
  // Each row: the settings, and all that is told about them.
  const wrong: [string, Record<string, unknown>, string][] = [
    [
      "a group where a list of groups belongs",
      { roles: [{ name: "reporting", memberOf: "pg_monitor" }, { name: "etl" }] },
      'roles.0.memberOf | pg_monitor | is not a list | write it as "memberOf: [pg_monitor]"',
    ],
    [
      "a misspelt name",
      { roles: [{ name: "reporting" }, { nam: "etl" }] },
      "roles.1.nam | etl | there is no setting of this name | did you mean name? Known: name, memberOf",
    ],
    [
      "no name at all",
      { roles: [{ name: "etl" }, { memberOf: ["etl"] }] },
      'roles.1.name | {memberOf: [etl]} | is missing | write it as "name: reporting"',
    ],
    [
      "one entry where a list belongs",
      { roles: { name: "etl" } },
      'roles | {name: etl} | is not a list | write a list: a line like "- name: reporting" for each',
    ],
    [
      "one name where a list belongs",
      { roles: "etl" },
      'roles | etl | is not a set of fields or a list | write a list: a line like "- name: etl" for each',
    ],
    [
      "a number as a name",
      { roles: [{ name: 2024 }] },
      "roles.0.name | 2024 | is not text | write it as \"name: '2024'\"",
    ],
    [
      "a list as a database",
      { extensions: [{ name: "hstore", database: ["warehouse"] }], roles: [{ name: "etl" }] },
      'extensions.0.database | [warehouse] | is not text | write it as "database: reports"',
    ],
    [
      "a number as a group",
      { roles: [{ name: "etl", memberOf: [1] }] },
      'roles.0.memberOf.0 | 1 | is not text | write it as "memberOf: [readonly]"',
    ],
  ];
  for (const [title, settings, message] of wrong) {
    it(`is told once, at its place and with how to write it: ${title}`, () => {
      expect(told({ ...referring, ...settings })).to.deep.equal([message]);
    });
  }

  it("is told for each entry that is a name only", () => {
    expect(told({ ...referring, roles: ["reporting", "etl"] })).to.deep.equal([
      'roles.0 | reporting | is not a set of fields | write it as "- name: reporting"',
      'roles.1 | etl | is not a set of fields | write it as "- name: etl"',
    ]);
  });

  it("is shown alone, however long the setting is", () => {
    const roles = Array.from({ length: 40 }, (_, index) => ({ name: `role_${index}`, memberOf: ["pg_monitor"] }));
    const { problems } = parseSettings(asConfig({ roles: [...roles, { name: "etl", memberOf: "role_1" }] }));
    expect(formatProblems(problems)).to.include('roles.40.memberOf: "role_1"\n');
  });
});

describe("a setting that refers to one that cannot be read", () => {
  const unreadable: [string, Record<string, unknown>][] = [
    ["databases", { databases: ["warehouse"], extensions: referring.extensions }],
    ["replicas", { replicas: 4.5, synchronousReplicas: 2, recoverPrimaryFrom: 4, updateStrategy: { partition: 4 } }],
    ["workload", { workload: "huge", parameters: { shared_buffers: "1GB" }, resources: { requests: { cpu: "2" } } }],
  ];
  for (const [setting, settings] of unreadable) {
    it(`is judged no further: ${setting}`, () => {
      const { problems } = parseSettings(asConfig(settings));
      expect(problems.map((problem) => problem.setting.split(".")[0])).to.deep.equal([setting]);
    });
  }
});
