import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { clouds, type PostgresClusterArgs } from "../../components/postgres/args";
import { scripts } from "../../components/postgres/config";
import { asConfig, generatedPassword, type Plan, planOf, stackConfig } from "./plan";

// `UPDATE_GOLDEN=1 npm run test:unit` writes the files anew; the diff then shows a reviewer what a change does.
const encodedPassword = Buffer.from(generatedPassword).toString("base64");
const update = process.env.UPDATE_GOLDEN === "1";

/** The plans that are pinned: a stack and what it has set on top of its file, by the name of their file. */
const plans: [name: string, stack: string, settings: PostgresClusterArgs][] = [
  ...["dev", "prod"].flatMap((stack) =>
    clouds.map((cloud): [string, string, PostgresClusterArgs] => [`${stack}-${cloud}`, stack, { cloud }]),
  ),
  ["prod-aws-kms", "prod", { cloud: "aws", encryption: { createKey: true } }],
];

for (const [file, stack, settings] of plans) {
  describe(`the plan ${file}`, () => {
    let plan: Plan;
    before(async () => {
      const own = Object.entries(settings).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
      plan = await planOf(stack, { ...stackConfig(stack), ...asConfig(Object.fromEntries(own)) });
    });

    it("is the reviewed one", () => {
      const path = join(__dirname, "golden", `${file}.yaml`);
      const text = render(plan);
      if (update) writeFileSync(path, text);
      expect(existsSync(path), `${path} exists`).to.equal(true);
      expect(text).to.equal(readFileSync(path, "utf8"));
    });

    it("holds generated passwords only in the Secret and in outputs marked as secret", () => {
      const forms = [generatedPassword, encodedPassword];
      const holders = plan.resources.filter(({ inputs }) =>
        forms.some((form) => JSON.stringify(inputs).includes(form)),
      );
      expect(holders.map(({ type }) => type)).to.deep.equal(["kubernetes:core/v1:Secret", "kubernetes:core/v1:Secret"]);
      const outputs = Object.keys(plan.outputs).filter((name) =>
        JSON.stringify(plan.outputs[name]).includes(generatedPassword),
      );
      expect(outputs).to.have.members(["connectionUri", "readOnlyUri", "passwords"]);
      expect(plan.secrets).to.have.members(outputs);
    });
  });
}

/** The plan as YAML: scripts by reference, since they are reviewed as files, and secrets by a mark. */
function render({ resources, outputs, secrets }: Plan): string {
  const files = scripts();
  const byReference = (key: string, value: unknown): unknown => {
    if (key in files && value === files[key]) return `<components/postgres/scripts/${key}>`;
    if (key === "kubernetes-postgres/scripts") return "<checksum of the scripts>";
    return typeof value === "string"
      ? value.replaceAll(generatedPassword, "<secret>").replaceAll(encodedPassword, "<secret>")
      : value;
  };
  const plan = {
    // The order of registration depends on timing.
    resources: [...resources]
      .sort((a, b) => (a.name + a.type < b.name + b.type ? -1 : 1))
      .map(({ type, name, options, inputs }) => ({ [`${type} ${name}`]: { options, inputs } })),
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, value]) => [secrets.includes(name) ? `${name} (secret)` : name, value]),
    ),
  };
  return stringify(JSON.parse(JSON.stringify(plan), byReference), { aliasDuplicateObjects: false, lineWidth: 0 });
}
