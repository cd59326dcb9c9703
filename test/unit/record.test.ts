import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import type { PostgresClusterArgs } from "../../components/postgres/args";
import { formatProblems } from "../../components/postgres/problem";
import {
  type DataRecord,
  readRecord,
  recordAnnotations,
  recordedFields,
  recordProblems,
} from "../../components/postgres/record";
import { clusterSpec } from "../../components/postgres/spec";
import { parseSettings } from "../../stacks/settings";
import { asConfig } from "./plan";

const record = { name: "postgres", namespace: "default", major: 16, database: "myapp", user: "appuser" };

/** The settings that the component by itself refuses, with all that it says of them. */
const refused = (args: PostgresClusterArgs, of: DataRecord = record): Record<string, string> =>
  Object.fromEntries(recordProblems(clusterSpec(args), of).map(({ setting, why, fix }) => [setting, `${why} ${fix}`]));

describe("the record on the latch", () => {
  it("is read as it was written", () => {
    const written = recordAnnotations(clusterSpec({ image: "postgres:17.2", database: "a b", user: "ö" }));
    expect(readRecord(written)).to.deep.equal({ major: 17, database: "a b", user: "ö" });
  });

  it("has no major where the image names none, and says nothing where nothing was written", () => {
    const unknown = { database: "myapp", user: "appuser", major: undefined };
    expect(readRecord(recordAnnotations(clusterSpec({ image: "registry/own:stable" })))).to.deep.equal(unknown);
    expect(readRecord(undefined)).to.deep.equal({ major: undefined, database: undefined, user: undefined });
  });

  it("stays as it is, all but what is acknowledged", () => {
    const fixed = ["metadata.name", "metadata.namespace"];
    const [major, database, user] = ["major", "database", "user"].map(
      (field) => `metadata.annotations["kubernetes-postgres/${field}"]`,
    );
    expect(recordedFields(clusterSpec({}))).to.deep.equal([...fixed, major, database, user]);
    expect(recordedFields(clusterSpec({ acknowledge: { major: 16 } }))).to.deep.equal([...fixed, database, user]);
  });

  it("may be overruled by an acknowledgement only", () => {
    expect(recordAnnotations(clusterSpec({}))).to.not.have.property("pulumi.com/patchForce");
    const acknowledged = recordAnnotations(clusterSpec({ acknowledge: { user: "appuser" } }));
    expect(acknowledged).to.have.property("pulumi.com/patchForce", "true");
  });
});

describe("the component by itself refuses", () => {
  it("nothing that the record agrees with, or does not know", () => {
    expect(refused({ image: "postgres:16.9" })).to.deep.equal({});
    expect(refused({ image: "postgres:17", database: "shop" }, {})).to.deep.equal({});
  });

  it("another name, namespace, database, user and major, all at once and each with the way out", () => {
    const all = refused({ name: "b", namespace: "n", database: "shop", user: "clerk", image: "postgres:15" });
    expect(Object.keys(all)).to.deep.equal(["namespace", "name", "database", "user", "image"]);
    expect(all.name).to.match(/cluster is postgres: .*new, empty cluster.*Set it back to postgres\. For a new cluster/);
    expect(all.namespace).to.match(/runs in default: .*new, empty cluster.*Set it back to default\./);
    expect(all.database).to.match(/made with database myapp.*setting databases.*acknowledge.database to shop/);
    expect(all.user).to.match(/made with role appuser.*setting roles.*acknowledge.user to clerk/);
    expect(all.image).to.match(/of PostgreSQL 16, and 15 does not read it.*no way back to an older major but pg_dump/);
  });

  it("nothing that is acknowledged, and all else as before", () => {
    const acknowledge = { major: 17, user: "clerk" };
    const asked = { image: "postgres:17", user: "clerk", database: "shop", acknowledge };
    expect(Object.keys(refused(asked))).to.deep.equal(["database"]);
  });
});

describe("an acknowledgement", () => {
  // Each row: what it says beside which settings, and words the message must have.
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    [
      "that is left over from an earlier upgrade",
      { image: "postgres:17", acknowledge: { major: 16 } },
      /acknowledge.major: "16"[\s\S]*image asks for 17[\s\S]*Take it out/,
    ],
    [
      "of an upgrade before the image",
      { acknowledge: { major: 17 } },
      /acknowledge.major: "17"[\s\S]*image asks for 16/,
    ],
    ["of no major", { image: "own:1", acknowledge: { major: 1 } }, /acknowledge.major: "1"[\s\S]*whole number from 14/],
    ["of another database", { acknowledge: { database: "shop" } }, /acknowledge.database: "shop"[\s\S]*asks for myapp/],
    ["of another user", { user: "a", acknowledge: { user: "b" } }, /acknowledge.user: "b"[\s\S]*user asks for a/],
    [
      "of what cannot be acknowledged",
      { acknowledge: { storageSize: true } },
      /acknowledge.storageSize: "true"[\s\S]*no setting of this name[\s\S]*known: major, database, user/,
    ],
    ["in words", { acknowledge: { major: "yes" } }, /acknowledge.major: "yes"[\s\S]*is not a whole number/],
    ["without a name", { acknowledge: "major" }, /acknowledge: "major"[\s\S]*is not a set of fields/],
  ];
  for (const [title, settings, words] of wrong) {
    it(`is refused ${title}`, () => {
      const { problems } = parseSettings(asConfig(settings));
      expect(problems, "problems").to.have.length(1);
      expect(formatProblems(problems)).to.match(words);
    });
  }
});

describe("the name of the cluster in the program", () => {
  it("is always the same, so that another name is a change of this cluster; stacks of earlier versions have it as an alias", async () => {
    const seen: unknown[] = [];
    const newResource = ({ inputs }: pulumi.runtime.MockResourceArgs) => ({ id: "made", state: inputs });
    await pulumi.runtime.setMocks({ call: ({ inputs }) => inputs, newResource }, "kubernetes-postgres", "dev");
    pulumi.runtime.setAllConfig({ "kubernetes-postgres:name": "orders" });
    const program = require.resolve("../../index");
    delete require.cache[program];
    await pulumi.runtime.runInPulumiStack(async () => {
      pulumi.runtime.registerStackTransformation(({ type, name, opts }) => {
        if (type === "kubernetes-postgres:index:PostgresCluster") seen.push([name, opts.aliases]);
        return undefined;
      });
      require(program);
    });
    await pulumi.runtime.disconnect();
    expect(seen).to.deep.equal([["postgres", [{ name: "orders" }]]]);
  });
});
