import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { KubernetesApi } from "../../../local/pulumi/pods/kubernetes";
import { PodWatch, podsLine } from "../../../local/pulumi/pods/pod-watch";
import { parseJson, textAt } from "../../../local/tools/json";
import { LocalError } from "../../../local/tools/run";

const recorded = (name: string): object => {
  const value = parseJson(readFileSync(join(__dirname, "recorded", `${name}.json`), "utf8"));
  if (typeof value !== "object" || value === null) throw new Error(`${name} is not an object`);
  return value;
};

/** An API server with one StatefulSet, some pods and claims, that notes what is deleted. */
class FakeApi implements KubernetesApi {
  readonly removed: string[] = [];
  refuses = false;

  constructor(
    public pods: object[],
    public updateRevision: string,
    private readonly partition = 0,
  ) {}

  async get(path: string): Promise<unknown> {
    if (path.includes("statefulsets")) {
      const status = { observedGeneration: 1, updateRevision: this.updateRevision };
      const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: this.partition } };
      return { metadata: { generation: 1 }, spec: { replicas: 3, updateStrategy }, status };
    }
    if (path.includes("/pods?")) return { items: this.pods };
    return { items: [] };
  }

  async log(): Promise<string> {
    return "last line of the log";
  }

  async remove(path: string): Promise<void> {
    if (this.refuses) throw new LocalError(`Kubernetes refused DELETE ${path}: you may not`);
    this.removed.push(path);
  }
}

const crash = recorded("crash");
const image = recorded("image");
const revisionOf = (pod: object): string => textAt(pod, "metadata", "labels", "controller-revision-hash") ?? "";
const target = { namespace: "n", statefulSet: "postgres" };

function watchOf(api: KubernetesApi): { watch: PodWatch; lines: string[] } {
  const lines: string[] = [];
  return { watch: new PodWatch(api, target, { elastic: false, say: (line) => lines.push(line) }), lines };
}

describe("the watch over a stack's pods", () => {
  it("gives a failing image its time, then tells pod, state, words and next step", async () => {
    const api = new FakeApi([], revisionOf(image));
    const { watch } = watchOf(api);
    await watch.look(0);
    api.pods = [image];
    expect((await watch.look(1_000)).fatal).to.equal(undefined);
    expect((await watch.look(10_000)).fatal).to.equal(undefined);
    const { fatal, snapshot } = await watch.look(30_000);
    if (fatal === undefined) throw new Error("nothing was found");
    const report = await watch.report(fatal);
    expect(report).to.match(/^postgres-2 cannot become ready: /);
    expect(report).to.include("15-missing").and.include("Check the setting image");
    expect(podsLine(snapshot)).to.include("postgres-2 ");
    expect(api.removed).to.deep.equal([]);
  });

  it("forgets a trouble that healed", async () => {
    const api = new FakeApi([], revisionOf(image));
    const { watch } = watchOf(api);
    await watch.look(0);
    api.pods = [image];
    await watch.look(1_000);
    api.pods = [];
    await watch.look(5_000);
    api.pods = [image];
    expect((await watch.look(30_000)).fatal).to.equal(undefined);
  });

  it("does not blame new settings for an old trouble, and makes room for them once they are there", async () => {
    const api = new FakeApi([crash], revisionOf(crash));
    const { watch, lines } = watchOf(api);
    expect((await watch.look(0)).fatal).to.equal(undefined);
    expect((await watch.look(60_000)).fatal).to.equal(undefined);
    expect(api.removed).to.deep.equal([]);
    watch.settingsApplied();
    await watch.look(61_000);
    await watch.look(62_000);
    expect(api.removed).to.deep.equal(["/api/v1/namespaces/n/pods/postgres-2"]);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include("postgres-2").and.include("Its data stays");
  });

  it("deletes a pod of an older revision that became stuck meanwhile", async () => {
    const api = new FakeApi([], "newer");
    const { watch } = watchOf(api);
    await watch.look(0);
    watch.settingsApplied();
    api.pods = [crash];
    expect((await watch.look(1_000)).fatal).to.equal(undefined);
    expect(api.removed).to.deep.equal(["/api/v1/namespaces/n/pods/postgres-2"]);
  });

  it("says that it may not delete a stuck pod, and watches on", async () => {
    const api = new FakeApi([], "newer");
    const { watch, lines } = watchOf(api);
    await watch.look(0);
    watch.settingsApplied();
    api.pods = [crash];
    api.refuses = true;
    expect((await watch.look(1_000)).fatal).to.equal(undefined);
    await watch.look(2_000);
    expect(lines).to.have.length(2);
    expect(lines[1]).to.match(/you may not[\s\S]*kubectl delete pod -n n postgres-2/);
  });

  it("does not delete a stuck pod again and again that partition gives its older revision each time", async () => {
    const api = new FakeApi([], "newer", 3);
    const { watch } = watchOf(api);
    await watch.look(0);
    watch.settingsApplied();
    api.pods = [crash];
    const { fatal } = await watch.look(1_000);
    expect(fatal?.pod).to.equal("postgres-2");
    expect(api.removed).to.deep.equal([]);
  });
});
