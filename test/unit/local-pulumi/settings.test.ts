import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { postgresImage } from "../../../local/node";
import { embeddedSettings } from "../../../local/pulumi/embedded-settings";
import { resolveStack } from "../../../local/pulumi/resolve-stack";
import { rawSettings, readPlainSettings, readStackFile, withSettings } from "../../../local/pulumi/stack-file";

const machine = { cores: 2, memoryBytes: 24 * 1024 ** 3 };

describe("settings on the embedded node", () => {
  it("replace what only a cloud has, and say so in one line each", () => {
    const { changes, lines } = embeddedSettings({ cloud: "aws", storageClassName: "gp3" }, "/kube", machine);
    expect(changes).to.include({ "kubernetes:kubeconfig": "/kube", cloud: "on-premise", image: postgresImage });
    expect(changes).to.have.property("storageClassName", undefined);
    expect(lines).to.have.length(4);
    expect(lines[0]).to.include("on-premise instead of aws");
  });

  it("leave out a key of the cloud, which has no volumes there, whatever cloud it is of", () => {
    const file = { config: {}, encryptionsalt: undefined };
    const keyId = "projects/my-project/locations/europe-west3/keyRings/postgres/cryptoKeys/volumes";
    for (const [settings, words] of [
      [{ cloud: "aws", encryption: { createKey: true } }, /encryption: none instead of createKey: true/],
      [{ cloud: "gcp", encryption: { keyId } }, /encryption: none instead of keyId: projects\/my-project/],
    ] as const) {
      const { spec, explanations } = resolveStack({ stack: "x", cluster: "embedded", file, settings });
      expect(spec.encryption).to.deep.equal({ createKey: false, keyId: undefined });
      expect(spec.storageClassName).to.equal("default-postgres-local-storage");
      expect(explanations.join("\n")).to.match(words);
    }
  });

  it("leave out what was acknowledged of another image, and nothing else of it", () => {
    const settings = { image: "postgres:17", database: "shop", acknowledge: { major: 17, database: "shop" } };
    const file = { config: {}, encryptionsalt: undefined };
    const { spec, explanations } = resolveStack({ stack: "x", cluster: "embedded", file, settings });
    expect(spec.acknowledge).to.deep.equal({ database: "shop" });
    expect(explanations.join("\n")).to.match(/acknowledge.major: none instead of 17/);
  });

  it("leave alone what fits", () => {
    const requests = { cpu: "50m", memory: "128Mi" };
    const { lines } = embeddedSettings({ image: "localhost/mine:15", resources: { requests } }, "/kube", machine);
    expect(lines).to.deep.equal([]);
  });

  it("lower requests to the machine, never limits, and never by the number of pods", () => {
    const of = (replicas: number) =>
      embeddedSettings({ workload: "high-performance", replicas }, "/kube", machine).changes;
    expect(of(3).resources).to.deep.equal({
      requests: { cpu: "100m", memory: "1228Mi" },
      limits: { cpu: "4", memory: "16Gi" },
    });
    expect(of(5).resources).to.deep.equal(of(3).resources);
  });

  it("are judged as asked and as changed, each problem named once", () => {
    const wrong = { cloud: "moon", replicas: "2.5", parameters: { nonsense: "1" }, encryption: { createKey: true } };
    const resolve = () =>
      resolveStack({
        stack: "x",
        cluster: "embedded",
        file: { config: {}, encryptionsalt: undefined },
        settings: wrong,
      });
    expect(resolve).to.throw(/^3 settings cannot work[\s\S]*cloud[\s\S]*replicas[\s\S]*nonsense/);
  });
});

describe("a stack's settings file", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "stack-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (text: string): void => writeFileSync(join(folder, "Pulumi.dev.yaml"), text);

  it("is read with its kinds of value", () => {
    write("config:\n  kubernetes-postgres:replicas: 3\n  kubernetes-postgres:parameters: { work_mem: 4MB }\n");
    const { config } = readStackFile("dev", folder);
    expect(rawSettings(config)).to.deep.equal({ replicas: "3", parameters: '{"work_mem":"4MB"}' });
  });

  it("may be empty", () => {
    write("");
    expect(readStackFile("dev", folder)).to.deep.equal({ config: {}, encryptionsalt: undefined });
  });

  it("names the stacks there are, for one there is not", () => {
    write("config: {}");
    expect(() => readStackFile("prod", folder)).to.throw(/Pulumi\.prod\.yaml.*dev/);
    expect(() => readStackFile("../dev", folder)).to.throw(/there is no/);
  });

  it("says so when it is not YAML or not settings", () => {
    write("config: [");
    expect(() => readStackFile("dev", folder)).to.throw(/Pulumi\.dev\.yaml is not YAML/);
    write("config: 7");
    expect(() => readStackFile("dev", folder)).to.throw(/not a set of settings/);
  });

  it("with encrypted values is refused without their passphrase", () => {
    write("config:\n  kubernetes-postgres:user:\n    secure: AAA\n");
    expect(() => readStackFile("dev", folder)).to.throw(/kubernetes-postgres:user.*with pulumi itself/);
  });

  it("is read without its passphrase where only other programs' values are encrypted", () => {
    const encrypted = "config:\n  kubernetes:kubeconfig:\n    secure: AAA\n  kubernetes-postgres:replicas: 3\n";
    write(encrypted);
    expect(readPlainSettings("dev", folder)).to.deep.equal({ "kubernetes-postgres:replicas": 3 });
    write(`${encrypted}  kubernetes-postgres:user:\n    secure: AAA\n`);
    expect(() => readPlainSettings("dev", folder)).to.throw(/kubernetes-postgres:user.*plain text/);
    expect(() => readPlainSettings("prod", folder)).to.throw(/Pulumi\.prod\.yaml.*dev/);
  });

  it("takes changes, and the removal of a setting", () => {
    const config = withSettings({ "kubernetes-postgres:a": 1, "kubernetes-postgres:b": 2 }, { a: undefined, b: 3 });
    expect(config).to.deep.equal({ "kubernetes-postgres:b": 3 });
  });
});
