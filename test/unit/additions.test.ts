import { expect } from "chai";
import { additionFiles } from "../../components/postgres/additions/files";
import { type PostgresClusterArgs, withDefaults } from "../../components/postgres/args";
import { clusterProblems } from "../../components/postgres/validate";
import { asConfig, generatedPassword, type Plan, planOf, stackConfig } from "./plan";

const told = (args: PostgresClusterArgs): string[] =>
  clusterProblems(args).map(({ setting, asked, why, fix }) => `${setting}|${asked}|${why}|${fix}`);

const roles = (...names: string[]): PostgresClusterArgs => ({ roles: names.map((name) => ({ name })) });
const memberOf = (...groups: string[]): PostgresClusterArgs => ({ roles: [{ name: "a", memberOf: groups }] });
const databases = (...names: string[]): PostgresClusterArgs => ({ databases: names.map((name) => ({ name })) });

describe("roles, databases and extensions of the settings", () => {
  const accepted: [string, PostgresClusterArgs][] = [
    ["any plain name", { ...roles("_x9", "r".repeat(63)), ...databases("a-b_9", "d".repeat(63)) }],
    ["an owner that is the app's role", { databases: [{ name: "x", owner: "appuser" }] }],
    ["an owner among roles, listed before or after", { ...roles("w"), databases: [{ name: "x", owner: "w" }] }],
    ["a member of the app's role and of PostgreSQL's own", memberOf("appuser", "pg_read_all_data", "pg_monitor")],
    ["a member of the roles that every cluster has", memberOf("readonly", "monitoring")],
    ["a role of a newer major where the image has it", { ...memberOf("pg_maintain"), image: "postgres:17" }],
    ["a role of a major that is newer than this program", { ...memberOf("pg_brand_new"), image: "postgres:40" }],
    [
      "memberships that meet again",
      {
        roles: [
          { name: "a", memberOf: ["b", "c"] },
          { name: "b", memberOf: ["d"] },
          { name: "c", memberOf: ["d"] },
          { name: "d" },
        ],
      },
    ],
    [
      "one extension in several databases",
      {
        ...databases("x"),
        extensions: [
          { name: "uuid-ossp" },
          { name: "uuid-ossp", database: "x" },
          { name: "uuid-ossp", database: "postgres" },
        ],
      },
    ],
  ];
  for (const [what, args] of accepted) {
    it(`may have ${what}`, () => {
      expect(told(args)).to.deep.equal([]);
    });
  }

  const refused: [string, PostgresClusterArgs, RegExp][] = [
    ["a role with capitals", roles("Reader"), /^roles.0.name\|Reader\|.*key of the Secret.*a-z/],
    ["a role that starts with a digit", roles("1a"), /^roles.0.name/],
    ["a role with 64 characters", roles("r".repeat(64)), /63 characters/],
    ["the superuser", roles("postgres"), /cluster's own/],
    ["the replicas' role", roles("replicator"), /cluster's own/],
    ["the role that reads", roles("readonly"), /READONLY_PASSWORD.*Take it out of roles: .*already stays/],
    ["the role that watches", roles("monitoring"), /MONITORING_PASSWORD.*Take it out of roles/],
    [
      "the app as the role that reads",
      { user: "readonly" },
      /^user\|readonly\|.*cluster's own.*ALTER ROLE readonly RENAME TO appuser, then set user and acknowledge.user/,
    ],
    ["a database that pg_hba.conf reads otherwise", { database: "/shop" }, /^database\|\/shop\|.*regular expression/],
    ["everybody", roles("public"), /cluster's own/],
    ["nobody", roles("none"), /cluster's own/],
    ["a role of PostgreSQL's own", roles("pg_monitor"), /PostgreSQL's/],
    ["the app's role", roles("appuser"), /POSTGRES_PASSWORD.*Take it out of roles/],
    ["a role twice", roles("a", "a"), /^roles.1.name\|a\|a is listed twice/],
    ["a database with a dot", databases("a.b"), /^databases.0.name\|a.b/],
    ["a template", databases("template1"), /PostgreSQL's own/],
    ["the superuser's database", databases("postgres"), /PostgreSQL's own/],
    ["the app's database", databases("myapp"), /Take it out of databases/],
    ["a database twice", databases("x", "x"), /^databases.1.name\|x\|x is listed twice/],
    [
      "the superuser as an owner",
      { databases: [{ name: "x", owner: "postgres" }] },
      /owner\|postgres\|.*add it to roles/,
    ],
    ["an extension with a space", { extensions: [{ name: "pg trgm" }] }, /^extensions.0.name.*pg_available_extensions/],
    [
      "an extension twice",
      { extensions: [{ name: "a" }, { name: "a", database: "myapp" }] },
      /a in myapp is listed twice/,
    ],
    ["an extension in a template", { extensions: [{ name: "a", database: "template1" }] }, /add it to databases/],
    ["a membership of the superuser", memberOf("postgres"), /memberOf.0\|postgres\|It is the superuser/],
    ["a membership of the replicas' role", memberOf("replicator"), /copy the whole cluster/],
    ["a membership that runs programs", memberOf("pg_execute_server_program"), /run programs.*superusers/],
    ["a membership that reads files", memberOf("pg_read_server_files"), /read every file.*pg_read_all_data/],
    ["a membership that writes files", memberOf("pg_write_server_files"), /write any file.*superusers/],
    ["a membership that PostgreSQL refuses", memberOf("pg_database_owner"), /only member/],
    ["a misspelt membership", memberOf("pg_read_all_dat"), /Did you mean pg_read_all_data\?/],
    ["a membership of an unknown role", memberOf("somebody"), /Use one of: appuser, a, readonly, .*or add it to roles/],
    ["a membership that JavaScript knows the name of", memberOf("constructor"), /neither the setting user/],
    ["a membership of a newer major", memberOf("pg_maintain"), /only from 17 on, and the image has 16/],
    ["a membership twice", memberOf("appuser", "appuser"), /memberOf.1\|appuser\|appuser is listed twice/],
    ["a member of itself", memberOf("a"), /^roles.0.memberOf\|a -> a\|/],
    [
      "a circle of memberships",
      {
        roles: [
          { name: "out", memberOf: ["a"] },
          { name: "a", memberOf: ["b"] },
          { name: "b", memberOf: ["c"] },
          { name: "c", memberOf: ["a"] },
        ],
      },
      /^roles.1.memberOf\|a -> b -> c -> a\|/,
    ],
  ];
  for (const [what, args, words] of refused) {
    it(`may not have ${what}`, () => {
      const problems = told(args);
      expect(problems, problems.join("\n")).to.have.length(1);
      expect(problems[0]).to.match(words);
    });
  }

  it("are judged all at once", () => {
    const args = { ...roles("A", "postgres"), ...databases("B"), extensions: [{ name: "C" }] };
    expect(told(args).map((problem) => problem.split("|")[0])).to.deep.equal([
      "roles.0.name",
      "roles.1.name",
      "databases.0.name",
      "extensions.0.name",
    ]);
  });

  it("reach the pods as lines of fields with tabs between, whatever the app's names are", () => {
    const args = withDefaults({
      user: `o'br"ien \\x`,
      database: `my "app' $1`,
      roles: [{ name: "a", memberOf: [`o'br"ien \\x`, "b"] }, { name: "b" }],
      databases: [{ name: "x" }, { name: "y", owner: "a" }],
      extensions: [{ name: "hstore" }, { name: "citext", database: "x" }],
    });
    expect(additionFiles(args)).to.deep.equal({
      roles: `a\to'br"ien \\x\tb\nb\n`,
      databases: `x\to'br"ien \\x\ny\ta\n`,
      extensions: `hstore\tmy "app' $1\ncitext\tx\n`,
    });
  });

  it("are no files where there are none", () => {
    expect(additionFiles(withDefaults({ databases: [] }))).to.deep.equal({});
  });
});

describe("the plan of a stack with roles, databases and extensions", () => {
  let plan: Plan;
  let plain: Plan;
  const settings = {
    roles: [{ name: "reader", memberOf: ["pg_read_all_data"] }, { name: "writer" }],
    databases: [{ name: "reports", owner: "writer" }],
    extensions: [{ name: "pg_trgm" }],
    passwordGeneration: 4,
  };
  before(async () => {
    const own = Object.entries(settings).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
    plan = await planOf("dev", { ...stackConfig("dev"), ...asConfig(Object.fromEntries(own)) });
    plain = await planOf("dev", { ...stackConfig("dev"), "kubernetes-postgres:passwordGeneration": "4" });
  });
  const inputs = (from: Plan, type: string, name: string) =>
    from.resources.find((resource) => resource.type.endsWith(type) && resource.name === name)?.inputs;

  it("generates a password for each role, renewed with the others only", () => {
    const app = inputs(plan, ":RandomPassword", "postgres-user-password");
    for (const role of ["reader", "writer"]) {
      const password = inputs(plan, ":RandomPassword", `postgres-role-${role}-password`);
      expect(password).to.deep.equal(app);
      expect(password).to.deep.include({ keepers: { generation: "4" } });
    }
  });

  it("puts them into the Secret beside the others, encrypted in state, and nowhere else", () => {
    expect(inputs(plan, ":Secret", "postgres-secret"))
      .to.have.nested.property("stringData.value")
      .that.deep.equals({
        POSTGRES_PASSWORD: generatedPassword,
        REPLICATION_PASSWORD: generatedPassword,
        READONLY_PASSWORD: generatedPassword,
        MONITORING_PASSWORD: generatedPassword,
        PASSWORD_reader: generatedPassword,
        PASSWORD_writer: generatedPassword,
      });
    const holders = plan.resources.filter((resource) => JSON.stringify(resource.inputs).includes(generatedPassword));
    expect(holders.map(({ name }) => name)).to.deep.equal(["postgres-secret"]);
  });

  it("lists all three in the ConfigMap", () => {
    expect(inputs(plan, ":ConfigMap", "postgres-config"))
      .to.have.property("data")
      .that.deep.includes({
        roles: "reader\tpg_read_all_data\nwriter\n",
        databases: "reports\twriter\n",
        extensions: "pg_trgm\tmyapp\n",
      });
  });

  it("leaves the pods and everything else as they are", () => {
    const others = ({ resources }: Plan) =>
      resources
        .filter(({ name }) => !/^postgres-(role-.*-password|secret|config)$/.test(name))
        // It only notes the settings.
        .filter(({ type }) => !type.endsWith(":PostgresCluster"))
        .map(({ type, name, inputs, options }) => JSON.stringify({ type, name, inputs, options }))
        .sort();
    expect(others(plan)).to.deep.equal(others(plain));
  });
});

describe("the passwords of a plan", () => {
  const everywhere = ["appuser", "monitoring", "readonly"];
  const cases: [string, Record<string, unknown>, roles: string[], keys: string[]][] = [
    ["of the roles that every cluster has", {}, everywhere, []],
    ["of roles of the settings", { roles: [{ name: "clerk" }] }, [...everywhere, "clerk"], ["PASSWORD_clerk"]],
    ["of the superuser", { superuserAccess: true }, [...everywhere, "postgres"], ["SUPERUSER_PASSWORD"]],
    ["of no superuser", { superuserAccess: false }, everywhere, []],
  ];
  for (const [what, settings, roles, keys] of cases) {
    it(`are an output by role, and keys of the Secret: those ${what}`, async () => {
      const own = Object.entries(settings).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
      const { resources, outputs } = await planOf("dev", asConfig(Object.fromEntries(own)));
      const secret = resources.find(({ inputs }) => "stringData" in inputs);
      const always = ["POSTGRES_PASSWORD", "REPLICATION_PASSWORD", "READONLY_PASSWORD", "MONITORING_PASSWORD"];
      expect(secret?.inputs.stringData)
        .to.have.property("value")
        .that.has.all.keys(...always, ...keys);
      expect(outputs.passwords).to.have.all.keys(...roles);
      const generated = resources.filter(({ type }) => type.endsWith(":RandomPassword"));
      expect(generated).to.have.length(always.length + keys.length);
    });
  }
});
