import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { clouds } from "../../../components/postgres/args";
import { formatProblems } from "../../../components/postgres/problem";
import { SettingsError } from "../../../components/settings-error";
import { manifestsOf } from "../../../local/render/manifests";
import { keyPlaceholder, placeholder } from "../../../local/render/placeholder";
import { isAuthority } from "../../../local/render/plan";
import { renderStack } from "../../../local/render/render";
import { toYaml } from "../../../local/render/yaml";
import { asConfig, generatedPassword, planOf, stackConfig } from "../plan";

const additions = {
  "kubernetes-postgres:name": "orders",
  "kubernetes-postgres:roles": '[{"name":"reporting"}]',
  "kubernetes-postgres:databases": '[{"name":"warehouse","owner":"reporting"}]',
  "kubernetes-postgres:synchronousReplicas": "1",
  "kubernetes-postgres:keepVolumes": "false",
};

interface KubernetesObject {
  kind: string;
  metadata: { name: string; namespace?: string };
  stringData?: Record<string, string>;
}

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "render-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The text of every file, by its path. */
function files(at = folder): Record<string, string> {
  const paths = readdirSync(at, { recursive: true, encoding: "utf8" }).filter((path) => /\.(yaml|md)$/.test(path));
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(at, path), "utf8")]));
}

const manifests = (at = folder): [string, string][] => Object.entries(files(at)).filter(([path]) => /yaml$/.test(path));

describe("the rendered manifests", () => {
  const plans = ["dev", "prod"].flatMap((stack) => clouds.map((cloud) => ({ stack, cloud, more: {} })));
  for (const { stack, cloud, more } of [...plans, { stack: "prod", cloud: "aws", more: additions }]) {
    const title = Object.keys(more).length > 0 ? ", with a name, roles and databases," : "";
    it(`of ${stack} on ${cloud}${title} are what the program registers, without passwords`, async () => {
      const config = { ...stackConfig(stack), "kubernetes-postgres:cloud": cloud, ...more };
      await renderStack({ stack, folder, config });
      const { resources } = await planOf(stack, config);
      const registered = resources
        .filter(({ type, inputs }) => type.startsWith("kubernetes:") && !isAuthority(inputs))
        .map(({ inputs }) => inputs);
      for (const version of ["1.1", "1.2"] as const) {
        const rendered = manifests().map(([, text]): KubernetesObject => parse(text, { version }));
        const data = rendered.flatMap(({ stringData }) => Object.entries(stringData ?? {}));
        const roles = stack === "prod" && title !== "" ? ["PASSWORD_reporting"] : [];
        expect(data.map(([key]) => key)).to.have.members([
          "POSTGRES_PASSWORD",
          "REPLICATION_PASSWORD",
          "READONLY_PASSWORD",
          "MONITORING_PASSWORD",
          ...roles,
        ]);
        expect(new Set(data.map(([, value]) => value))).to.deep.equal(new Set([placeholder]));
        const masked = registered.map((inputs) =>
          inputs.kind === "Secret" ? { ...inputs, stringData: Object.fromEntries(data) } : inputs,
        );
        expect(rendered).to.have.deep.members(masked);
      }
      for (const text of Object.values(files())) expect(text).to.not.include(generatedPassword);
    });
  }

  it("are ordered for kubectl, and named after what they are", async () => {
    await renderStack({ stack: "prod", folder, config: stackConfig("prod") });
    const paths = manifests().map(([path]) => path);
    const inOrder = [
      "10-namespace-postgres-prod.yaml",
      "20-storage-class-postgres-prod-postgres-gp3.yaml",
      "40-config-map-postgres-config.yaml",
      "40-config-map-postgres-scripts.yaml",
      "50-service-postgres-primary.yaml",
      "50-service-postgres-svc.yaml",
      "60-pod-disruption-budget-postgres.yaml",
      "80-stateful-set-postgres.yaml",
    ];
    expect(paths).to.include.members(inOrder);
    const applied = paths.filter((path) => dirname(path) === ".");
    expect([applied.at(0), applied.at(-1)]).to.deep.equal([inOrder.at(0), inOrder.at(-1)]);
  });

  it("keep apart what must not be applied with the rest: the Secret, and what the engine makes once the pods are ready", async () => {
    await renderStack({ stack: "prod", folder, config: stackConfig("prod") });
    const paths = manifests().map(([path]) => path);
    expect(paths.filter((path) => dirname(path) !== ".")).to.deep.equal([
      "after-first-start/40-config-map-postgres-latch.yaml",
      "before-first-start/30-secret-postgres-secret.yaml",
    ]);
  });

  it("come with the command that fills the Secret with passwords of its own", async () => {
    const config = { ...stackConfig("prod"), ...additions };
    await renderStack({ stack: "prod", folder, config });
    const command = /^ {4}(awk .*) \| kubectl apply -f -$/m.exec(files()["README.md"] ?? "")?.[1] ?? "false";
    const fill = (): KubernetesObject => parse(execFileSync("sh", ["-c", command], { cwd: folder, encoding: "utf8" }));
    const passwords = [...Object.values(fill().stringData ?? {}), ...Object.values(fill().stringData ?? {})];
    expect(new Set(passwords).size).to.equal(10);
    for (const password of passwords) expect(password).to.match(/^[0-9a-f]{48}$/);
    expect(fill().metadata).to.include({ name: "orders-secret" });
  });

  describe("of a stack with a key that AWS is to make", () => {
    const settings = { cloud: "aws", namespace: "n", encryption: { createKey: true } };
    const named = Object.entries(settings).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
    const path = "before-first-start/20-storage-class-n-postgres-gp3-kms.yaml";
    const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    beforeEach(() => renderStack({ stack: "prod", folder, config: asConfig(Object.fromEntries(named)) }));

    it("hold a class that is not applied with the rest, with a list where Kubernetes takes text only", () => {
      const parameters = parse(files()[path] ?? "").parameters;
      expect(parameters).to.deep.include({ encrypted: "true", kmsKeyId: keyPlaceholder });
      expect(keyPlaceholder).to.be.an("array");
      expect(manifests().filter(([, text]) => /kms\.(key|alias)|arn-of|kind: (Key|Alias)/.test(text))).to.deep.equal(
        [],
      );
    });

    it("come with the commands that make the key and put its ARN there, and that stop where there is none", () => {
      const readme = files()["README.md"] ?? "";
      const [create, rotate, fill] = [
        /^ {4}(key=.*)$/m,
        /^ {4}(aws .*)$/m,
        /^ {4}(sed .*) \| kubectl apply -f -$/m,
      ].map((line) => line.exec(readme)?.[1] ?? "false");
      const run = (answer: string): string => {
        // In place of AWS's program: it says what it was asked, and answers a new key with its ARN.
        const aws = `aws() { echo "$@" >>asked; case $2 in create-key) ${answer};; esac; }`;
        return execFileSync("bash", ["-c", [aws, create, rotate, fill].join("\n")], {
          cwd: folder,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
      };
      expect(parse(run(`echo ${arn}`)).parameters).to.include({ kmsKeyId: arn });
      expect(readFileSync(join(folder, "asked"), "utf8").trim().split("\n")).to.deep.equal([
        "kms create-key --tags TagKey=kubernetes-postgres/cluster,TagValue=n/postgres --query KeyMetadata.Arn --output text",
        `kms enable-key-rotation --key-id ${arn}`,
      ]);
      expect(() => run("false")).to.throw();
    });
  });

  it("are refused, with all that is wrong, for settings that cannot work", async () => {
    const config = asConfig({ "kubernetes-postgres:replicas": "none", "kubernetes-postgres:storageSize": "1Mi" });
    const at = join(folder, "new");
    const refused = await renderStack({ stack: "prod", folder: at, config }).catch((error: unknown) => error);
    if (!(refused instanceof SettingsError)) throw new Error(`not refused: ${refused}`);
    expect(formatProblems(refused.problems)).to.match(/^2 settings cannot work[\s\S]*replicas[\s\S]*storageSize/);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("have a placeholder for whatever a Secret holds, also where the program does not call it secret", () => {
    const inputs = { kind: "Secret", metadata: { name: "plain" }, stringData: { token: "known to everybody" } };
    const resources = [{ type: "kubernetes:core/v1:Secret", name: "plain", options: {}, inputs }];
    const [secret] = manifestsOf({ resources, outputs: {}, secrets: [] });
    expect(secret?.object.stringData).to.deep.equal({ token: placeholder });
  });

  it("cannot be made of a plan that has a secret in anything but a Secret", () => {
    const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: generatedPassword };
    const inputs = { kind: "ConfigMap", metadata: { name: "leak" }, data: { password: secret } };
    const resources = [{ type: "kubernetes:core/v1:ConfigMap", name: "leak", options: {}, inputs }];
    expect(() => manifestsOf({ resources, outputs: {}, secrets: [] })).to.throw(/ConfigMap: data\.password is secret/);
  });
});

describe("a change of one setting", () => {
  // Each row: what is changed, and the lines that a review shows for it.
  const changes: [string, unknown, string[]][] = [
    ["parameters", { work_mem: "4MB" }, ["+    work_mem = 4MB", "-    work_mem = 1920kB"]],
    ["replicas", 4, ["+  replicas: 4", "+    4", "-  replicas: 3", "-    3"]],
    ["image", "postgres:17", ["+          image: postgres:17", "-          image: postgres:16"]],
    ["databases", [{ name: "reports" }], ["+  databases: |", "+    reports\tappuser"]],
    [
      "storageSize",
      "200Gi",
      [
        "+    max_slot_wal_keep_size = 40GB",
        "+            storage: 200Gi",
        "-    max_slot_wal_keep_size = 20GB",
        "-            storage: 100Gi",
      ],
    ],
  ];
  for (const [setting, value, lines] of changes) {
    it(`shows as a handful of lines: ${setting}`, async () => {
      const config = asConfig({
        "kubernetes-postgres:workload": "production",
        "kubernetes-postgres:storageSize": "100Gi",
      });
      const changed = { ...config, ...asConfig({ [`kubernetes-postgres:${setting}`]: value }) };
      const [before, after] = [join(folder, "before"), join(folder, "after")];
      await renderStack({ stack: "prod", folder: before, config });
      await renderStack({ stack: "prod", folder: after, config: changed });
      const shown = difference(files(before), files(after));
      expect(shown).to.include.members(lines);
      expect(shown.length, shown.join("\n")).to.be.at.most(lines.length + 6);
    });
  }
});

/** The lines that only one of two folders has, as a diff shows them; of a file that the other does not have, its path. */
function difference(before: Record<string, string>, after: Record<string, string>): string[] {
  const only = (mine: Record<string, string>, others: Record<string, string>, sign: string): string[] =>
    Object.entries(mine).flatMap(([path, text]) => {
      const other = others[path];
      if (other === undefined) return [`${sign}${path}`];
      const left = other.split("\n");
      return text.split("\n").flatMap((line) => {
        const at = left.indexOf(line);
        if (at < 0) return [`${sign}${line}`];
        left.splice(at, 1);
        return [];
      });
    });
  return [...only(after, before, "+"), ...only(before, after, "-")];
}

describe("YAML of a manifest", () => {
  const texts = [
    "on",
    "Yes",
    "n",
    "null",
    "~",
    "12",
    "1_000",
    "0x1f",
    "0o17",
    "017",
    "1e3",
    "12:30",
    "2026-01-02",
    ".5",
    "-",
  ];
  const more = [
    "",
    " a",
    "a: b",
    "#",
    "*",
    "10Gi",
    "250m",
    "a\n\n  b\n",
    "\ta\nb \n",
    "\n",
    "é",
    "=",
    "<<",
    "%a",
    "!x",
    "5432",
  ];
  it("says the same to readers of version 1.1, as kubectl is, and of 1.2", () => {
    const value = { list: [...texts, ...more], keys: Object.fromEntries(texts.map((text) => [text, 1])), number: 12 };
    for (const version of ["1.1", "1.2"] as const) expect(parse(toYaml(value), { version })).to.deep.equal(value);
  });

  it("has the usual keys first and the others in one order, and text of several lines as a block", () => {
    const text = toYaml({
      data: { b: "one\ntwo\n", a: "10Gi" },
      metadata: { labels: {}, name: "x" },
      kind: "K",
      apiVersion: "v1",
    });
    expect(text).to.equal(
      "apiVersion: v1\nkind: K\nmetadata:\n  name: x\n  labels: {}\ndata:\n  a: 10Gi\n  b: |\n    one\n    two\n",
    );
  });
});
