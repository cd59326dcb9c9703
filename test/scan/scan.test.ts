import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parseDocument } from "yaml";
import { clouds } from "../../components/postgres/args";
import { readPlainSettings, withSettings } from "../../local/pulumi/stack-file";
import { renderStack } from "../../local/render/render";
import { kubeconform, kubernetesOpenapi, writeStrictSchemas } from "../tools/kubeconform";
import { ensureScanners, kubeScoreWithExceptions, scan } from "../tools/scanners";
import { differences } from "./explained";
import { type Scanned, withReport } from "./report";

// `UPDATE_GOLDEN=1 npm run test:scan` writes the report anew; the reasons in it are those of explained.ts.
const update = process.env.UPDATE_GOLDEN === "1";
const page = join(__dirname, "..", "..", "docs", "security.md");
/** The objects of the source document's complete example, and its StorageClass. */
const source = join(__dirname, "source");
const container = ["spec", "template", "spec", "containers", 0];

describe("a security scan", function () {
  this.timeout("10 minutes");
  let folder = "";
  const rendered = (cloud: string): string => join(folder, cloud);

  before(async () => {
    await ensureScanners();
    folder = mkdtempSync(join(tmpdir(), "scan-"));
    for (const cloud of clouds) {
      const config = withSettings(readPlainSettings("prod"), { cloud });
      await renderStack({ stack: "prod", folder: rendered(cloud), config });
    }
    writeStrictSchemas(await kubernetesOpenapi(), join(folder, "schemas"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What the scanners find once the StatefulSet's container has these fields. */
  async function findingsWith(fields: readonly [path: string[], value: unknown][]) {
    const changed = join(folder, "changed");
    rmSync(changed, { recursive: true, force: true });
    cpSync(rendered("aws"), changed, { recursive: true });
    const file = join(changed, "80-stateful-set-postgres.yaml");
    const manifest = parseDocument(readFileSync(file, "utf8"));
    for (const [path, value] of fields) manifest.setIn([...container, ...path], value);
    writeFileSync(file, manifest.toString());
    return differences((await scan(changed)).findings);
  }

  /** What docs/security.md reports of manifests. */
  async function scanned(manifests: string): Promise<Scanned> {
    const { stdout } = await kubeconform(manifests, join(folder, "schemas"));
    const [, valid] = /Valid: (\d+)/.exec(stdout) ?? [];
    const files = readdirSync(manifests, { recursive: true, encoding: "utf8" });
    const count = files.filter((file) => file.endsWith(".yaml")).length;
    return { scan: await scan(manifests), valid: Number(valid), manifests: count };
  }

  for (const cloud of clouds) {
    it(`of prod on ${cloud} finds what is explained, and nothing else`, async () => {
      const { findings } = await scan(rendered(cloud));
      expect(differences(findings)).to.deep.equal({ unexplained: [], gone: [] });
    });
  }

  it("by kube-score finds nothing once the exceptions that the objects declare count", async () => {
    for (const cloud of clouds) expect(await kubeScoreWithExceptions(rendered(cloud)), cloud).to.deep.equal([]);
    expect(await kubeScoreWithExceptions(source)).to.include("critical: pod-networkpolicy");
  });

  it("finds a privileged container, each scanner by itself", async () => {
    const { unexplained } = await findingsWith([
      [["securityContext", "privileged"], true],
      [["securityContext", "allowPrivilegeEscalation"], true],
    ]);
    expect(unexplained).to.include("kube-score critical: container-security-context-privileged StatefulSet/postgres");
    expect(unexplained).to.include("Trivy critical: KSV-0017 StatefulSet/postgres");
  });

  it("tells of an explanation that has nothing left to explain", async () => {
    expect(await findingsWith([[["imagePullPolicy"], "Always"]])).to.deep.equal({
      unexplained: [],
      gone: ["kube-score critical: container-image-pull-policy StatefulSet/postgres"],
    });
  });

  it("is what docs/security.md reports, beside that of the source document", async () => {
    const [ours, theirs] = [await scanned(rendered("aws")), await scanned(source)];
    expect([ours.valid, theirs.valid]).to.deep.equal([ours.manifests, theirs.manifests]);
    const text = readFileSync(page, "utf8");
    const expected = withReport(text, ours, theirs);
    if (update) writeFileSync(page, expected);
    expect(readFileSync(page, "utf8")).to.equal(expected);
  });
});
