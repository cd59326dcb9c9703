import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { chooseCluster, clusterKey, kubectlArguments } from "../../../local/pulumi/cluster-choice";
import { currentContext } from "../../../local/pulumi/kubeconfig";

const kubeconfig = (context: string, server: string): string => `
current-context: ${context}
contexts: [{ name: ${context}, context: { cluster: c } }, { name: other, context: { cluster: o } }]
clusters:
  - { name: c, cluster: { server: "${server}", certificate-authority-data: QUJD } }
  - { name: o, cluster: { server: "https://other:6443" } }
`;

describe("the choice of a Kubernetes cluster", () => {
  let folder = "";
  let own = "";
  let embedded = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "choice-"));
    own = join(folder, "own");
    embedded = join(folder, "embedded");
    writeFileSync(own, kubeconfig("team", "https://team:6443"));
    writeFileSync(embedded, kubeconfig("local", "https://10.0.0.1:6443"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const choose = (environment: NodeJS.ProcessEnv, option?: string, stack = {}) =>
    chooseCluster({ option, stack, embedded, environment: { HOME: folder, ...environment } });

  it("is the embedded node where kubectl knows none", () => {
    expect(choose({}).cluster).to.deep.equal({ kind: "embedded", kubeconfig: embedded });
  });

  it("is the user's own where kubectl has a current context, and says which and how to choose the other", () => {
    const { cluster, explanation } = choose({ KUBECONFIG: own });
    expect(cluster).to.include({ kind: "current", context: "team", server: "https://team:6443" });
    expect(explanation).to.include("team").and.include("https://team:6443").and.include("--cluster");
  });

  it("is the embedded node where KUBECONFIG names just that", () => {
    expect(choose({ KUBECONFIG: embedded }).cluster.kind).to.equal("embedded");
  });

  it("follows the option before the variable, and both before kubectl", () => {
    expect(choose({ KUBECONFIG: own }, "embedded").cluster.kind).to.equal("embedded");
    expect(choose({ KUBECONFIG: own, KUBERNETES_POSTGRES_CLUSTER: "embedded" }).cluster.kind).to.equal("embedded");
    const both = { KUBECONFIG: own, KUBERNETES_POSTGRES_CLUSTER: "embedded" };
    expect(choose(both, "current").cluster.kind).to.equal("current");
  });

  it("follows the stack's own kubernetes: settings", () => {
    expect(choose({}, undefined, { kubeconfig: own, context: "other" }).cluster).to.include({
      kind: "current",
      context: "other",
      server: "https://other:6443",
      kubeconfig: own,
    });
  });

  it("refuses what is not there and says what to do", () => {
    expect(() => choose({}, "current")).to.throw(/no current context.*use-context/s);
    expect(() => choose({}, "moon")).to.throw(/embedded.*current/);
    expect(() => choose({}, undefined, { kubeconfig: "apiVersion: v1\nkind: Config" })).to.throw(/path of a file/);
  });

  it("is not the embedded node where a file is named that is not there, or says of no cluster", () => {
    const gone = join(folder, "gone");
    const empty = join(folder, "empty");
    writeFileSync(empty, "");
    expect(() => choose({ KUBECONFIG: gone })).to.throw(
      /KUBECONFIG names .*gone, which is not there.*--cluster embedded/,
    );
    expect(() => choose({ KUBECONFIG: empty })).to.throw(/KUBECONFIG names .*empty, which has no current context/);
    expect(() => choose({}, undefined, { kubeconfig: gone })).to.throw(/kubernetes:kubeconfig .*which is not there/);
    expect(choose({ KUBECONFIG: gone }, "embedded").cluster.kind).to.equal("embedded");
    expect(choose({ KUBECONFIG: "" }).cluster.kind).to.equal("embedded");
    expect(choose({ KUBECONFIG: `${gone}:${own}` }).cluster).to.include({ kind: "current", context: "team" });
  });

  it("merges kubeconfig files as kubectl does", () => {
    expect(currentContext([join(folder, "none"), own, embedded])).to.include({ context: "team" });
    expect(currentContext([join(folder, "none")])).to.equal(undefined);
  });

  it("keeps the deployments of different clusters apart", () => {
    const keys = [
      { kind: "current", context: "a/b:c", server: "https://one", kubeconfig: undefined } as const,
      { kind: "current", context: "a/b:c", server: "https://two", kubeconfig: undefined } as const,
      { kind: "embedded", kubeconfig: embedded } as const,
      { kind: "embedded", kubeconfig: join(folder, "none") } as const,
    ].map(clusterKey);
    expect(new Set(keys).size).to.equal(4);
    for (const key of keys) expect(key).to.match(/^[A-Za-z0-9-]+$/);
  });

  it("tells kubectl the same", () => {
    expect(kubectlArguments({ kind: "embedded", kubeconfig: "/k" })).to.deep.equal(["--kubeconfig", "/k"]);
    const current = { kind: "current", context: "team", server: "s", kubeconfig: undefined } as const;
    expect(kubectlArguments(current)).to.deep.equal(["--context", "team"]);
  });
});
