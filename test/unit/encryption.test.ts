import { expect } from "chai";
import { clouds, type PostgresClusterArgs } from "../../components/postgres/args";
import { fixedFieldProblems } from "../../components/postgres/fixed-fields";
import { formatProblems } from "../../components/postgres/problem";
import { clusterSpec } from "../../components/postgres/spec";
import { clusterProblems } from "../../components/postgres/validate";
import { lossesOf } from "../../components/postgres/verdict/losses";
import { settingVerdicts } from "../../components/postgres/verdict/settings";
import { at } from "../../local/tools/json";
import { config, keys, own, withKeys } from "./encryption-settings";
import { type Plan, planOf } from "./plan";

const parameters = { aws: "kmsKeyId", gcp: "disk-encryption-kms-key", azure: "diskEncryptionSetID" };
const planFor = (args: PostgresClusterArgs): Promise<Plan> => planOf("dev", config(args));
const ofKind = ({ resources }: Plan, kind: string) => resources.filter(({ type }) => type.endsWith(`:${kind}`));
const ofAws = ({ resources }: Plan) => resources.filter(({ type }) => type.startsWith("aws:"));

function parametersOf(plan: Plan): Record<string, unknown> {
  const found = at(ofKind(plan, "StorageClass")[0]?.inputs, "parameters");
  return typeof found === "object" && found !== null ? { ...found } : {};
}

describe("the key of the volumes", () => {
  for (const cloud of clouds) {
    it(`is the one that ${cloud} gives where nothing is asked for, under the class's name of earlier versions`, async () => {
      const plan = await planFor({ cloud, namespace: "n", encryption: {} });
      expect(ofAws(plan)).to.deep.equal([]);
      expect(plan.outputs.storageClassName).to.match(/^n-postgres-(gp3|pd-balanced|standard-ssd|local-storage)$/);
      expect(parametersOf(plan)).to.not.have.any.keys(Object.values(parameters));
      expect(parametersOf(plan).encrypted).to.equal(cloud === "aws" ? "true" : undefined);
    });
  }

  for (const cloud of withKeys) {
    it(`is one that exists, on ${cloud} by the parameter that its driver has for it, and nothing is made in the cloud`, async () => {
      const plan = await planFor({ cloud, namespace: "n", encryption: { keyId: keys[cloud] } });
      const without = parametersOf(await planFor({ cloud, namespace: "n" }));
      expect(ofAws(plan)).to.deep.equal([]);
      expect(parametersOf(plan)).to.deep.equal({ ...without, [parameters[cloud]]: keys[cloud] });
    });
  }

  it("is made with rotation, an alias and the longest time to take back a deletion, and its ARN goes to the class", async () => {
    const plan = await planFor(own);
    const [key, ...others] = ofKind(plan, "Key");
    const [alias] = ofKind(plan, "Alias");
    expect(others).to.deep.equal([]);
    expect(key).to.deep.include({
      type: "aws:kms/key:Key",
      name: "postgres-key",
      options: { retainOnDelete: true },
      inputs: {
        description: "Volumes of PostgreSQL n/postgres",
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        tags: { "app.kubernetes.io/managed-by": "pulumi", "kubernetes-postgres/cluster": "n/postgres" },
      },
    });
    expect(alias).to.deep.include({
      type: "aws:kms/alias:Alias",
      options: { retainOnDelete: true },
      // Another Kubernetes cluster of the account may have a namespace of this name, too.
      inputs: { namePrefix: "alias/n-postgres-", targetKeyId: "id-of-the-created-key" },
    });
    expect(parametersOf(plan)).to.include({ encrypted: "true", kmsKeyId: "arn-of-the-created-key" });
  });

  it("lives as long as the volumes, and is protected with the cluster", async () => {
    const options = async (settings: PostgresClusterArgs) =>
      ofAws(await planFor({ ...own, ...settings })).map((resource) => resource.options);
    expect(await options({ protect: true })).to.deep.equal(Array(2).fill({ protect: true, retainOnDelete: true }));
    expect(await options({ keepVolumes: false })).to.deep.equal([{}, {}]);
  });
});

describe("encryption that cannot be is refused:", () => {
  const cases: [
    title: string,
    args: PostgresClusterArgs,
    problems: [setting: string, asked: string, words: RegExp][],
  ][] = [
    [
      "both keys",
      { cloud: "aws", encryption: { createKey: true, keyId: keys.aws } },
      [["encryption", `createKey: true, keyId: ${keys.aws}`, /one key.*Leave one of the two out/]],
    ],
    [
      "a key that is to be made on gcp",
      { cloud: "gcp", encryption: { createKey: true } },
      [["encryption.createKey", "true", /On gcp the program makes no keys.*gcloud kms keys create.*encryption\.keyId/]],
    ],
    [
      "a key that is to be made on azure",
      { cloud: "azure", encryption: { createKey: true } },
      [["encryption.createKey", "true", /On azure the program makes no keys.*az disk-encryption-set create/]],
    ],
    [
      "a key that is to be made beside one that exists, on gcp",
      { cloud: "gcp", encryption: { createKey: true, keyId: keys.gcp } },
      [["encryption.createKey", "true", /Leave it out: keyId names a key/]],
    ],
    [
      "a made key and a key of another cloud, both at once",
      { cloud: "azure", encryption: { createKey: true, keyId: keys.aws } },
      [
        ["encryption.createKey", "true", /Leave it out/],
        ["encryption.keyId", keys.aws, /On azure.*disk encryption set, and this is a key of aws/],
      ],
    ],
    [
      "a key on-premise",
      { encryption: { createKey: true } },
      [["encryption", "createKey: true", /no driver that could encrypt.*LUKS/]],
    ],
    [
      "a key that exists on-premise",
      { encryption: { keyId: keys.aws } },
      [["encryption", `keyId: ${keys.aws}`, /on-premise are made by hand.*Leave encryption out/]],
    ],
    [
      "a key with a class of one's own, on no matter which cloud",
      { storageClassName: "fast", encryption: { keyId: keys.gcp } },
      [["encryption", `keyId: ${keys.gcp}`, /fast is made by others.*name the key in that class/]],
    ],
    [
      "a key that is none",
      { cloud: "aws", encryption: { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab" } },
      [["encryption.keyId", "1234abcd-12ab-34cd-56ef-1234567890ab", /ARN of a KMS key.*like arn:aws:kms:eu-central-1/]],
    ],
  ];
  for (const [title, args, problems] of cases) {
    it(title, () => {
      const found = clusterProblems(args);
      expect(found.map(({ setting, asked }) => [setting, asked])).to.deep.equal(
        problems.map(([setting, asked]) => [setting, asked]),
      );
      for (const [index, [, , words]] of problems.entries())
        expect(`${found[index]?.why} ${found[index]?.fix}`).to.match(words);
    });
  }

  it("together with everything else that is wrong", () => {
    const found = clusterProblems({ cloud: "aws", replicas: 0, encryption: { createKey: true, keyId: "x" } });
    expect(formatProblems(found)).to.match(/^3 settings cannot work:[\s\S]*replicas[\s\S]*one key[\s\S]*keyId: "x"/);
  });
});

describe("another key on a cluster that runs", () => {
  const run = (args: PostgresClusterArgs) => ({ ...clusterSpec(args), podManagementPolicy: "OrderedReady" });
  const existing: PostgresClusterArgs = { ...own, encryption: { keyId: keys.aws } };
  const none: PostgresClusterArgs = { ...own, encryption: {} };
  const alias = "arn:aws:kms:eu-central-1:111122223333:alias/other";

  it("would be another class: the name says which key it has, and so whether it is another one", () => {
    const names = [none, own, existing, { ...own, encryption: { keyId: alias } }].map(
      (args) => clusterSpec(args).storageClassName,
    );
    expect(names.slice(0, 2)).to.deep.equal(["n-postgres-gp3", "n-postgres-gp3-kms"]);
    for (const name of names.slice(2)) expect(name).to.match(/^n-postgres-gp3-[0-9a-f]{8}$/);
    expect(new Set(names).size).to.equal(4);
    expect(clusterSpec({ ...existing, replicas: 5, keepVolumes: false }).storageClassName).to.equal(names[2]);
  });

  const cases: [string, PostgresClusterArgs, PostgresClusterArgs, [setting: string, words: RegExp][]][] = [
    ["an own one where there was none", none, own, [["encryption.createKey", /Leave encryption out: .*cloud gives/]]],
    ["none where there was an own one", own, none, [["encryption", /n-postgres-gp3-kms.*back to createKey: true/]]],
    ["one that exists", own, existing, [["encryption.keyId", /back to createKey: true/]]],
    [
      "another one that exists",
      existing,
      { ...own, encryption: { keyId: alias } },
      [
        [
          "encryption.keyId",
          /Set encryption.keyId back to the key that is in StorageClass n-postgres-gp3-[0-9a-f]{8}\./,
        ],
      ],
    ],
    [
      "one of another cloud",
      own,
      { ...own, cloud: "gcp", encryption: { keyId: keys.gcp } },
      [
        ["cloud", /back to aws/],
        ["encryption.keyId", /back to createKey: true/],
      ],
    ],
    [
      "that of a class of one's own",
      own,
      { ...none, storageClassName: "fast" },
      [["storageClassName", /Leave storageClassName out\. Set encryption back to createKey: true\./]],
    ],
    [
      "an own one in place of a class of one's own",
      { ...none, storageClassName: "fast" },
      own,
      [["storageClassName", /Set it back to fast, and leave encryption out\./]],
    ],
  ];
  for (const [title, before, after, refused] of cases) {
    it(`is refused: ${title}`, () => {
      const found = fixedFieldProblems(clusterSpec(after), run(before));
      expect(found.map(({ setting }) => setting)).to.deep.equal(refused.map(([setting]) => setting));
      for (const [index, [, words]] of refused.entries())
        expect(`${found[index]?.why} ${found[index]?.fix}`).to.match(words);
    });
  }

  it("is refused in the verdict, by the field that changes, with why", () => {
    const judged = settingVerdicts(own, existing).map(({ setting, before, after, class: effect, note }) => [
      setting,
      before,
      after,
      effect,
      note,
    ]);
    const why = "Volumes keep their class, and so their key: choose it for a new cluster.";
    expect(judged).to.deep.equal([
      ["encryption.createKey", "true", "false", "refused", why],
      ["encryption.keyId", "none", keys.aws, "refused", why],
    ]);
  });

  it("is not asked for by writing out that there is none", () => {
    expect(settingVerdicts({ cloud: "aws" }, { cloud: "aws", encryption: { createKey: false } })).to.deep.equal([]);
  });

  it("would cost the data of the old one's volumes, once that is deleted", () => {
    const key = { kind: "Key", name: "postgres-key", paths: [], before: {}, after: undefined, live: undefined };
    expect(
      lossesOf([{ ...key, change: "delete" }])
        .map(({ means }) => means)
        .join(),
    ).to.match(/cannot be read any more/);
    expect(lossesOf([{ ...key, change: "keep" }])).to.deep.equal([]);
  });
});
