import { expect } from "chai";
import { clusterSpec } from "../../../components/postgres/spec";
import { statefulSet } from "../../../components/postgres/stateful-set";
import { plannedChange } from "../../../local/pulumi/engine-events";
import { rolloutLines, rolloutOf } from "../../../local/pulumi/pods/rollout";
import { readPod, readStatefulSet, type Snapshot } from "../../../local/pulumi/pods/snapshot";
import { at } from "../../../local/tools/json";

/** A StatefulSet of three and the revision of each pod. */
function snapshot(updateStrategy: object, ...revisions: string[]): Snapshot {
  const set = { metadata: { generation: 2 }, spec: { replicas: 3, updateStrategy } };
  const pods = revisions.map((revision, ordinal) =>
    readPod({ metadata: { name: `postgres-${ordinal}`, labels: { "controller-revision-hash": revision } } }),
  );
  const status = { observedGeneration: 2, updateRevision: "new" };
  return { statefulSet: readStatefulSet({ ...set, status }), pods, claims: [], warnings: [] };
}

const rolling = (partition: number) => ({ type: "RollingUpdate", rollingUpdate: { partition } });
const commands = { deletePod: (pod: string) => `kubectl delete pod ${pod}`, up: "npm run up" };

describe("a rollout that updateStrategy holds", () => {
  const told = (found: Snapshot): string[] | undefined => {
    const rollout = rolloutOf(found);
    return rollout && rolloutLines(rollout, commands);
  };

  it("says how many pods run the new revision, which, and how to go on and back: a canary", () => {
    expect(told(snapshot(rolling(2), "old", "old", "new"))).to.deep.equal([
      "1 of 3 pods runs the new revision: postgres-2; postgres-0, postgres-1 keep the older one, as updateStrategy.partition 2 asks.",
      "To go on: set updateStrategy.partition to 1 for one more pod, or to 0 for all, and npm run up.",
      "To go back: set the changed settings back, and npm run up.",
    ]);
    expect(told(snapshot(rolling(1), "old", "new", "new"))?.slice(0, 2)).to.deep.equal([
      "2 of 3 pods run the new revision: postgres-1, postgres-2; postgres-0 keeps the older one, as updateStrategy.partition 1 asks.",
      "To go on: set updateStrategy.partition to 0, and npm run up.",
    ]);
  });

  it("says so where no pod was updated at all, and which to delete first: OnDelete", () => {
    expect(told(snapshot({ type: "OnDelete" }, "old", "old", "old"))?.slice(0, 2)).to.deep.equal([
      "0 of 3 pods run the new revision; postgres-0, postgres-1, postgres-2 keep the older one, as updateStrategy.type OnDelete asks.",
      "To go on: delete the older ones, replicas first, each when the one before is ready: kubectl delete pod postgres-2",
    ]);
  });

  it("is none where every pod runs the newest revision", () => {
    expect(told(snapshot(rolling(2), "new", "new", "new"))).to.equal(undefined);
    expect(rolloutOf({ ...snapshot(rolling(0), "old"), statefulSet: undefined })).to.equal(undefined);
  });
});

describe("the StatefulSet", () => {
  it("is waited for until all pods are ready, and as many are new as the update strategy lets go", () => {
    const awaited = (updateStrategy: object): unknown => {
      const { metadata } = statefulSet(clusterSpec({ replicas: 4, updateStrategy }));
      return at(metadata, "annotations", "pulumi.com/waitFor");
    };
    const ready = "jsonpath={.status.readyReplicas}=4";
    expect(awaited({ partition: 0 })).to.equal(JSON.stringify([ready, "jsonpath={$[?@.updatedReplicas > 3]}"]));
    expect(awaited({ partition: 3 })).to.equal(JSON.stringify([ready, "jsonpath={$[?@.updatedReplicas > 0]}"]));
    expect(awaited({ partition: 4 })).to.equal(JSON.stringify([ready]));
    expect(awaited({ type: "OnDelete" })).to.equal(undefined);
  });

  it("is no change when it is only read again", () => {
    const op: "update" = "update";
    const urn = "urn:pulumi:dev::p::kubernetes:apps/v1:StatefulSet::postgres";
    const type = "kubernetes:apps/v1:StatefulSet";
    const state = { type, urn, custom: true, id: "n/postgres", parent: "", inputs: {}, outputs: {}, provider: "" };
    const update = { op, urn, type, old: state, new: state, provider: "" };
    expect(plannedChange(update)).to.equal(undefined);
    expect(plannedChange({ ...update, diffs: ["spec"] })?.change).to.equal("update");
  });
});
