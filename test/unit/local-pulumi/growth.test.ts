import { expect } from "chai";
import { clusterSpec } from "../../../components/postgres/spec";
import { GrowthWatch, growingClaims, growthLine } from "../../../local/pulumi/pods/growth";
import { readClaim, readStatefulSet, readWarning, type Snapshot } from "../../../local/pulumi/pods/snapshot";
import { resizing } from "../../../local/pulumi/resizing";

/** A claim as the API server gives it. */
const claim = (ordinal: number, size: string, capacity: string | undefined, status: object = {}) =>
  readClaim({
    metadata: { name: `data-postgres-${ordinal}` },
    spec: { storageClassName: "fast", volumeName: "v", resources: { requests: { storage: size } } },
    status: { phase: "Bound", ...(capacity !== undefined && { capacity: { storage: capacity } }), ...status },
  });

const snapshot = (...claims: ReturnType<typeof claim>[]): Snapshot => ({
  statefulSet: readStatefulSet({ spec: { replicas: 2 } }),
  pods: [],
  claims,
  warnings: [],
});

describe("volumes that grow", () => {
  it("are those of the pods that are wanted and smaller than their claims ask for", () => {
    const found = growingClaims(
      snapshot(
        claim(0, "15Gi", "10Gi"),
        claim(1, "15Gi", "15360Mi"),
        claim(2, "15Gi", "10Gi"),
        claim(1, "15Gi", undefined),
      ),
    );
    expect(growthLine(found)).to.equal("data-postgres-0 has 10Gi of 15Gi");
  });

  const begun = 1_000_000_000_000;
  const cases: [string, object, number, RegExp][] = [
    ["nobody takes up", {}, 60, /no driver has begun to grow data-postgres-0 \(fast\)/],
    [
      "the driver calls impossible",
      { allocatedResourceStatuses: { storage: "ControllerResizeInfeasible" } },
      30,
      /driver cannot grow data-postgres-0: ControllerResizeInfeasible/,
    ],
    [
      "wait for their pod",
      { conditions: [{ type: "FileSystemResizePending", status: "True" }] },
      180,
      /file system has not: the driver does that when the pod starts anew/,
    ],
    ["take too long", { conditions: [{ type: "Resizing", status: "True" }] }, 600, /longer than 10 minutes/],
  ];
  for (const [title, status, seconds, words] of cases) {
    it(`that ${title} are told of, with the reason, and not before`, () => {
      const watch = new GrowthWatch(begun);
      const grows = snapshot(claim(0, "15Gi", "10Gi", status));
      expect(watch.stuck(grows, begun)).to.equal(undefined);
      expect(watch.stuck(grows, begun + (seconds - 1) * 1000)).to.equal(undefined);
      expect(watch.stuck(grows, begun + seconds * 1000 + 1)).to.match(words);
    });
  }

  it("that the driver refuses for half a minute are told of in its words, an earlier refusal is not", () => {
    const refusal = (at: number) =>
      readWarning({
        involvedObject: { kind: "PersistentVolumeClaim", name: "data-postgres-0" },
        reason: "VolumeResizeFailed",
        message: "You've reached the maximum modification rate per volume limit",
        lastTimestamp: new Date(at).toISOString(),
      });
    const resizing = { conditions: [{ type: "Resizing", status: "True" }] };
    const told = (lastSeen: number): string | undefined => {
      const watch = new GrowthWatch(begun);
      const grows = { ...snapshot(claim(0, "15Gi", "10Gi", resizing)), warnings: [refusal(lastSeen)] };
      watch.stuck(grows, begun);
      return watch.stuck(grows, begun + 31_000);
    };
    expect(told(begun)).to.match(/maximum modification rate/);
    expect(told(begun - 60_000)).to.equal(undefined);
  });
});

describe("a size that claims cannot have", () => {
  const has = (size: string, capacity = size) => [{ name: "data-postgres-0", size, capacity, storageClass: "fast" }];
  const refused = (asked: string, claims: ReturnType<typeof has>, expandable = ["fast"]): string[] =>
    resizing(clusterSpec({ storageSize: asked }), claims, expandable, "").map(({ why }) => why);

  it("is a smaller one, also than the claim of one pod", () => {
    expect(refused("9Gi", has("10Gi"))[0]).to.match(/data-postgres-0 \(10Gi\)\. Volumes cannot shrink/);
    expect(refused("10240Mi", has("10Gi"))).to.deep.equal([]);
  });

  it("is a larger one where the class cannot expand", () => {
    expect(refused("11Gi", has("10Gi"), [])[0]).to.match(/StorageClass fast cannot grow/);
    expect(refused("11Gi", has("10Gi"))).to.deep.equal([]);
  });

  it("is not the way back from a growth that failed, down to just above what the volume has", () => {
    expect(refused("12Gi", has("20Gi", "10Gi"))).to.deep.equal([]);
    expect(refused("10Gi", has("20Gi", "10Gi"))).to.have.length(1);
  });
});
