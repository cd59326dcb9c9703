import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { withDefaults } from "../../components/postgres/args";
import { formatProblems } from "../../components/postgres/problem";
import { settingNames } from "../../stacks/schema";
import { parseSettings } from "../../stacks/settings";
import { asConfig, planOf, root } from "./plan";

describe("settings of a stack", () => {
  it("default to a small cluster of three on the machine at hand", () => {
    const { args, problems } = parseSettings({});
    expect(problems).to.deep.equal([]);
    expect(withDefaults(args)).to.deep.include({
      name: "postgres",
      namespace: "default",
      replicas: 3,
      cloud: "on-premise",
    });
  });

  it("fill in the part of resources that was left out", () => {
    const { args } = parseSettings(asConfig({ resources: { limits: { memory: "1Gi" } } }));
    expect(withDefaults(args).resources).to.deep.equal({
      requests: { cpu: "250m", memory: "256Mi" },
      limits: { cpu: "500m", memory: "1Gi" },
    });
  });

  it("take numbers and booleans among the parameters as PostgreSQL would", () => {
    const { args, problems } = parseSettings(asConfig({ parameters: { max_wal_senders: 10, jit: false } }));
    expect(problems).to.deep.equal([]);
    expect(args.parameters).to.deep.equal({ max_wal_senders: "10", jit: "false" });
  });

  // Each row: what a user may type, and words the message must have.
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ["an unknown cloud", { cloud: "openstack" }, /cloud: "openstack"[\s\S]*aws, gcp, azure, on-premise/],
    ["an unknown workload", { workload: "prod" }, /workload: "prod"[\s\S]*development, production, high-performance/],
    ["no replicas", { replicas: 0 }, /replicas: "0"[\s\S]*at least 1[\s\S]*take the stack down/],
    ["negative replicas", { replicas: -1 }, /replicas: "-1"[\s\S]*at least 1/],
    ["half a replica", { replicas: 2.5 }, /replicas: "2.5"[\s\S]*whole number/],
    ["a size without a unit", { storageSize: "10" }, /storageSize: "10"[\s\S]*10 bytes[\s\S]*10Gi/],
    ["a size that is no quantity", { storageSize: "ten" }, /storageSize: "ten"[\s\S]*quantity/],
    [
      "a size the disk cannot have",
      { cloud: "aws", workload: "high-performance" },
      /storageSize: "10Gi"[\s\S]*new cluster use 20Gi[\s\S]*live one keeps its disks/,
    ],
    ["a name with capitals", { name: "Orders" }, /name: "Orders"[\s\S]*a-z[\s\S]*orders/],
    ["a name too long for a pod's labels", { name: "p".repeat(51) }, /at most 50 characters/],
    ["a namespace of Kubernetes", { namespace: "kube-system" }, /namespace: "kube-system"[\s\S]*Kubernetes' own/],
    ["an unknown parameter", { parameters: { shared_bufers: "1GB" } }, /parameters.shared_bufers[\s\S]*shared_buffers/],
    ["a cache over the limit", { parameters: { shared_buffers: "1GB" } }, /shared_buffers[\s\S]*1GB[\s\S]*512Mi/],
    ["a parameter that loses data", { parameters: { fsync: "off" } }, /parameters.fsync/],
    ["a parameter the cluster owns", { parameters: { port: 5433 } }, /parameters.port/],
    ["requests over limits", { resources: { requests: { cpu: "2" } } }, /resources.requests.cpu: "2"[\s\S]*500m/],
    [
      "a field that does not exist",
      { resources: { limit: { cpu: "2" } } },
      /resources.limit[\s\S]*did you mean limits/,
    ],
    ["a misspelt setting", { replica: 5 }, /replica: "5"[\s\S]*did you mean replicas/],
    ["text where fields belong", { parameters: "work_mem=4MB" }, /parameters: "work_mem=4MB"[\s\S]*fields/],
    [
      "a key that is neither made nor not",
      { encryption: { createKey: "yes" } },
      /createKey: "yes"[\s\S]*true or false/,
    ],
    ["a misspelt field of the key", { encryption: { keyID: "x" } }, /encryption.keyID: "x"[\s\S]*did you mean keyId/],
    ["a superuser as the app", { user: "postgres" }, /user: "postgres"[\s\S]*appuser/],
    ["a partition beyond the pods", { updateStrategy: { partition: 4 } }, /updateStrategy.partition: "4"[\s\S]*3 pods/],
    ["a partition with OnDelete", { updateStrategy: { type: "OnDelete", partition: 1 } }, /OnDelete/],
    ["root as the server's user", { runAsUser: 0 }, /runAsUser: "0"[\s\S]*root/],
    ["a password generation before the first", { passwordGeneration: 0 }, /passwordGeneration: "0"/],
    ["a recovery from the primary itself", { recoverPrimaryFrom: 0 }, /recoverPrimaryFrom: "0"[\s\S]*1 to 2/],
    ["an image that is no reference", { image: "postgres 16" }, /image: "postgres 16"[\s\S]*postgres:16/],
    ["fewer than no synchronous replicas", { synchronousReplicas: -1 }, /synchronousReplicas: "-1"[\s\S]*whole number/],
    [
      "synchronous replicas of which none may be away",
      { synchronousReplicas: 2 },
      /synchronousReplicas: "2"[\s\S]*primary and 2 replicas[\s\S]*rolling update[\s\S]*replicas to 4 or more, or synchronousReplicas to 1/,
    ],
    [
      "more synchronous replicas than there are replicas",
      { synchronousReplicas: 1, replicas: 1 },
      /synchronousReplicas: "1"[\s\S]*wait for ever[\s\S]*replicas to 3 or more, or synchronousReplicas to 0/,
    ],
    [
      "a commit that does not wait for the disks of its synchronous replicas",
      { synchronousReplicas: 1, parameters: { synchronous_commit: "remote_write" } },
      /parameters.synchronous_commit: "remote_write"[\s\S]*may not have it on disk[\s\S]*synchronousReplicas to 0/,
    ],
    [
      "a commit that waits for none of its synchronous replicas",
      { synchronousReplicas: 1, parameters: { Synchronous_Commit: "local" } },
      /parameters.synchronous_commit: "local"[\s\S]*no commit waits/,
    ],
    [
      "a list of standbys of one's own",
      { parameters: { synchronous_standby_names: "*" } },
      /the setting synchronousReplicas/,
    ],
    ["one role where a list belongs", { roles: { name: "a" } }, /roles: [\s\S]*is not a list/],
    ["a role without a name", { roles: [{ memberOf: [] }] }, /roles.0.name: [\s\S]*is missing/],
    ["a misspelt field of a role", { roles: [{ name: "a", memberof: [] }] }, /roles.0.memberof: [\s\S]*memberOf/],
    ["a database that is a name only", { databases: ["reports"] }, /databases.0: [\s\S]*is not a set of fields/],
    ["an unknown owner", { databases: [{ name: "x", owner: "riter" }], roles: [{ name: "writer" }] }, /mean writer\?/],
    ["an extension of no database", { extensions: [{ name: "hstore", database: "x" }] }, /extensions.0.database: "x"/],
    [
      "memory too small for a server",
      { resources: { requests: { memory: "64Mi" }, limits: { memory: "64Mi" } } },
      /128Mi/,
    ],
  ];
  for (const [title, settings, words] of wrong) {
    it(`refuse ${title}, with the reason and the way out`, () => {
      const { problems } = parseSettings(asConfig(settings));
      expect(problems, "problems").to.have.length(1);
      expect(formatProblems(problems)).to.match(words);
    });
  }

  it("report all problems at once, of form and of meaning", () => {
    const { problems } = parseSettings(
      asConfig({
        cloud: "moon",
        replicas: -1,
        storageSize: "10",
        name: "DB",
        jit: 1,
        parameters: { shared_bufers: "1GB" },
      }),
    );
    expect(problems.map(({ setting }) => setting)).to.have.members([
      "cloud",
      "replicas",
      "storageSize",
      "name",
      "jit",
      "parameters.shared_bufers",
    ]);
  });

  it("are not judged by another setting that cannot be read", () => {
    const { problems } = parseSettings(asConfig({ roles: "writer", databases: [{ name: "x", owner: "writer" }] }));
    expect(problems.map(({ setting }) => setting)).to.deep.equal(["roles"]);
  });

  it("stop the program before anything is registered, with a message and no stack trace", async () => {
    const config = { "kubernetes-postgres:replicas": "0", "kubernetes-postgres:cloud": "moon" };
    const failure = await planOf("dev", config).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure).to.have.property("__pulumiRunError", true);
    expect(failure?.message).to.match(/^2 settings cannot work:/);
  });

  it("stop the program where it may not use the provider that makes a key", async () => {
    const own = { "kubernetes-postgres:cloud": "aws", "kubernetes-postgres:encryption": '{"createKey":true}' };
    const refusal = (disabled: string): Promise<string> =>
      planOf("dev", { ...own, "pulumi:disable-default-providers": disabled }).then(
        () => "",
        (error: Error) => error.message,
      );
    for (const disabled of ['["*"]', '["kubernetes","aws"]'])
      expect(await refusal(disabled)).to.match(/^1 setting cannot work:[\s\S]*encryption.createKey[\s\S]*to its ARN/);
    for (const disabled of ['["kubernetes"]', ""]) expect(await refusal(disabled)).to.equal("");
  });

  // Their default depends on another setting, or is that there is none.
  const undeclared = ["createNamespace", "storageClassName", "recoverPrimaryFrom"];

  it("are declared in Pulumi.yaml: the same names, each with type, description and the program's own default", () => {
    const project: { config: Record<string, { type: string; description: string; default?: unknown }> } = parse(
      readFileSync(join(root, "Pulumi.yaml"), "utf8"),
    );
    expect(Object.keys(project.config)).to.deep.equal(settingNames.filter((name) => !undeclared.includes(name)));
    const declared: Record<string, unknown> = {};
    for (const [name, { type, description, default: value }] of Object.entries(project.config)) {
      expect(type, name).to.be.oneOf(["string", "integer", "boolean", "object", "array"]);
      expect(description, name).to.have.length.greaterThan(20);
      // Pulumi would refuse every stack that does not set it.
      expect(value, name).to.not.equal(undefined);
      declared[name] = value;
    }
    const { args, problems } = parseSettings(asConfig(declared));
    expect(problems).to.deep.equal([]);
    expect(withDefaults(args)).to.deep.equal(withDefaults({}));
  });
});
