import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { parse } from "yaml";
import { clouds, type PostgresClusterArgs } from "../../components/postgres/args";
import { clusterProblems } from "../../components/postgres/validate";
import { PostgresCluster } from "../../components/postgres-cluster";
import { settingNames } from "../../stacks/schema";
import { planOf, root, stackConfig } from "./plan";

type Properties = Record<string, { description?: string }>;

interface Schema {
  version: string;
  resources: Record<string, { inputProperties: Properties; requiredInputs: string[]; properties: Properties }>;
  types: Record<string, { enum?: { value: string }[] }>;
}

interface Package {
  name: string;
  version: string;
  dependencies: Record<string, string>;
}

const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

describe("the component's package for programs in other languages", () => {
  const schema: Schema = JSON.parse(read("components", "schema.json"));
  const component = schema.resources["kubernetes-postgres:index:PostgresCluster"];

  it("takes every setting, and demands none", () => {
    expect(component?.inputProperties).to.have.all.keys(settingNames);
    expect(component?.requiredInputs).to.deep.equal([]);
    const choices = schema.types["kubernetes-postgres:index:Cloud"]?.enum?.map(({ value }) => value);
    expect(choices).to.deep.equal(clouds);
  });

  it("gives every output of a stack", async () => {
    const { outputs } = await planOf("dev", stackConfig("dev"));
    expect(component?.properties).to.have.all.keys(Object.keys(outputs));
  });

  it("describes every input and output in words", () => {
    const all = [...Object.entries(component?.inputProperties ?? {}), ...Object.entries(component?.properties ?? {})];
    const undescribed = all.filter(([, { description = "" }]) => description === "" || description.includes("[object"));
    expect(undescribed.map(([name]) => name)).to.deep.equal([]);
  });

  it("refuses a choice that a program in another language made up", () => {
    const asked: PostgresClusterArgs = JSON.parse('{"cloud": "mars", "updateStrategy": {"type": "Never"}}');
    expect(clusterProblems(asked).map(({ setting, asked, fix }) => `${setting}|${asked}|${fix}`)).to.deep.equal([
      "cloud|mars|Use one of: aws, gcp, azure, on-premise.",
      "updateStrategy.type|Never|Use one of: RollingUpdate, OnDelete.",
    ]);
  });

  it("takes null for what is left out, wherever it stands", async () => {
    const args: PostgresClusterArgs = JSON.parse(
      '{"replicas": 2, "tls": null, "storageClassName": null, "resources": {"limits": null}, "databases": [null, {"name": "reports", "owner": null}]}',
    );
    await pulumi.runtime.setMocks({
      call: ({ inputs }) => inputs,
      newResource: ({ name, inputs }) => ({ id: name, state: inputs }),
    });
    const { endpoints, storageClassName } = new PostgresCluster("nulls", args);
    expect(await new Promise((resolve) => storageClassName.apply(resolve))).to.equal("default-postgres-local-storage");
    expect(await new Promise((resolve) => endpoints.apply(resolve))).to.have.length(2);
    await pulumi.runtime.disconnect();
    expect(args.tls, "the caller's own").to.equal(null);
  });

  it("is found by `pulumi package add`, with the versions of the program", () => {
    const plugin: unknown = parse(read("components", "PulumiPlugin.yaml"));
    expect(plugin).to.deep.equal({ runtime: "nodejs" });
    const own: Package = JSON.parse(read("components", "package.json"));
    const all: Package = JSON.parse(read("package.json"));
    expect(own).to.include({ name: all.name, version: all.version, main: "index.ts" });
    expect(all.dependencies).to.deep.include(own.dependencies);
    expect(schema.version).to.equal(all.version);
  });
});
