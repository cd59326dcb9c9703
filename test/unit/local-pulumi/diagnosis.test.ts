import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { diagnose, podState } from "../../../local/pulumi/pods/diagnosis";
import {
  isComplete,
  type PodView,
  readClaim,
  readPod,
  readStatefulSet,
  readWarning,
  type Snapshot,
} from "../../../local/pulumi/pods/snapshot";
import { parseJson } from "../../../local/tools/json";

// As a real API server gave them; only what nobody reads was cut away.
const recorded = (name: string): unknown =>
  parseJson(readFileSync(join(__dirname, "recorded", `${name}.json`), "utf8"));
const crash = readPod(recorded("crash"));
const image = readPod(recorded("image"));
const unschedulable = readPod(recorded("unschedulable"));
const statefulSet = readStatefulSet(recorded("stateful-set"));

const at = (...pods: PodView[]): Snapshot => ({ statefulSet, pods, claims: [], warnings: [] });
const fixed = { elastic: false };
const troublesOf = (snapshot: Snapshot, options = fixed) => diagnose(snapshot, "postgres", 0, options);

describe("what keeps a pod from becoming ready", () => {
  it("an image that cannot be pulled: names the image and the registry's words", () => {
    const [trouble] = troublesOf(at(image));
    expect(trouble).to.include({ pod: "postgres-2", container: undefined });
    expect(trouble?.state).to.match(/^(ErrImagePull|ImagePullBackOff)$/);
    expect(trouble?.words).to.include("localhost/postgres:15-missing");
    expect(trouble?.next).to.include("localhost/postgres:15-missing");
    expect(trouble?.graceMs).to.be.within(1, 25_000);
  });

  it("keeps its key while pulling alternates between error and back-off", () => {
    const [container] = image.containers;
    if (container === undefined) throw new Error("no container was recorded");
    const as = (reason: string) => ({ ...image, containers: [{ ...container, waiting: { reason, message: "" } }] });
    const keys = ["ErrImagePull", "ImagePullBackOff"].map((reason) => troublesOf(at(as(reason)))[0]?.key);
    expect(keys[0]).to.be.a("string").and.equal(keys[1]);
  });

  it("a crash loop: has the container's own last words, and is clear at the third failure", () => {
    const [trouble] = troublesOf(at(crash));
    expect(trouble?.state).to.include("CrashLoopBackOff").and.include("code 1");
    expect(trouble?.words).to.include("as user 4242");
    expect(trouble).to.include({ graceMs: 0, container: "postgres" });
    const once = { ...crash, containers: crash.containers.map((one) => ({ ...one, restarts: 1 })) };
    expect(troublesOf(at(once))[0]?.graceMs).to.be.greaterThan(0);
  });

  it("no volume for its claim: says what the claim asks for", () => {
    const found = { metadata: { name: "data-postgres-0" }, spec: { storageClassName: "fast" }, status: {} };
    const claim = { ...readClaim(found), size: "1Gi" };
    const [trouble] = troublesOf({ ...at(unschedulable), claims: [claim] });
    expect(trouble?.state).to.equal("no room for its claim");
    expect(trouble?.words).to.include("data-postgres-0 asks for 1Gi of StorageClass fast");
  });

  it("no room on a node: has longer where nodes may appear, and is none while they do", () => {
    const full = { ...unschedulable, unschedulable: "0/1 nodes are available: 1 Insufficient cpu." };
    const [slow] = troublesOf(at(full), { elastic: true });
    const [quick] = troublesOf(at(full));
    expect(slow?.state).to.equal("no node takes it");
    expect(slow?.graceMs).to.be.greaterThan(quick?.graceMs ?? 0);
    const warning = {
      kind: "Pod",
      name: full.name,
      uid: full.uid,
      reason: "TriggeredScaleUp",
      message: "",
      lastSeen: 0,
    };
    expect(troublesOf({ ...at(full), warnings: [warning] }, { elastic: true })).to.deep.equal([]);
  });

  it("a volume that cannot be mounted", () => {
    const [container] = image.containers;
    if (container === undefined) throw new Error("no container was recorded");
    const creating = { ...container, waiting: { reason: "ContainerCreating", message: "" } };
    const pod = { ...image, containers: [creating] };
    const event = {
      involvedObject: { kind: "Pod", name: pod.name, uid: pod.uid },
      reason: "FailedMount",
      message: 'MountVolume.SetUp failed for volume "secrets": secret "postgres-secret" not found',
      lastTimestamp: "2026-01-01T00:00:00Z",
    };
    const [trouble] = troublesOf({ ...at(pod), warnings: [readWarning(event)] });
    expect(trouble).to.include({ state: "FailedMount" });
    expect(trouble?.words).to.include('secret "postgres-secret" not found');
  });

  it("a quota or policy that refuses the pod itself", () => {
    const warning = {
      kind: "StatefulSet",
      name: "postgres",
      uid: "u",
      reason: "FailedCreate",
      message: "exceeded quota",
      lastSeen: 0,
    };
    expect(troublesOf({ ...at(), warnings: [warning] })[0]?.words).to.equal("exceeded quota");
    // An old refusal says nothing about now.
    expect(diagnose({ ...at(), warnings: [warning] }, "postgres", 60_000, fixed)).to.deep.equal([]);
  });

  it("nothing, where a pod is ready, leaving, or starts", () => {
    const starting = { ...crash, containers: crash.containers.map((one) => ({ ...one, waiting: undefined })) };
    expect(troublesOf(at({ ...crash, ready: true }, { ...image, leaving: true }, starting))).to.deep.equal([]);
  });
});

describe("a StatefulSet's pods", () => {
  const revision = statefulSet?.updateRevision ?? "";
  const ready = (ordinal: number, of = revision): PodView => ({
    ...crash,
    name: `postgres-${ordinal}`,
    revision: of,
    ready: true,
  });

  it("are complete when all are ready and new", () => {
    expect(isComplete(at(ready(0), ready(1), ready(2)))).to.equal(true);
    expect(isComplete(at(ready(0), ready(1)))).to.equal(false);
    expect(isComplete(at(ready(0), ready(1), crash))).to.equal(false);
    expect(isComplete(at(ready(0), ready(1), ready(2, "old")))).to.equal(false);
    expect(isComplete(at(ready(0), ready(1), ready(2), { ...ready(3), leaving: true }))).to.equal(false);
  });

  it("may stay old where the update strategy says so", () => {
    if (statefulSet === undefined) throw new Error("no StatefulSet was recorded");
    const canary = { ...statefulSet, partition: 2 };
    expect(isComplete({ ...at(ready(0, "old"), ready(1, "old"), ready(2)), statefulSet: canary })).to.equal(true);
    const onDelete = { ...statefulSet, rolling: false };
    expect(isComplete({ ...at(ready(0, "old"), ready(1), ready(2)), statefulSet: onDelete })).to.equal(true);
  });

  it("are described in a word", () => {
    expect(
      [crash, image, unschedulable, { ...crash, ready: true }, { ...crash, leaving: true }].map(podState),
    ).to.deep.equal(["CrashLoopBackOff", image.containers[0]?.waiting?.reason, "not scheduled", "ready", "stopping"]);
  });
});
