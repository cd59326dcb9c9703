import { expect } from "chai";
import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import { type DeployedClaim, type LiveCluster, unusedParts } from "../../../local/pulumi/live-changes";

const args: PostgresClusterArgs = { cloud: "gcp", namespace: "n", storageSize: "10Gi" };
const balanced = "n-postgres-pd-balanced";
const fixedFields = { podManagementPolicy: "OrderedReady", storageClassName: balanced, storageSize: "10Gi" };
const claim = { name: "data-postgres-0", size: "10Gi", storageClass: balanced };
const running: LiveCluster = { fixedFields, claims: [claim] };

describe("made anew are", () => {
  const asked = clusterSpec({ ...args, storageSize: "20Gi" });
  const empty = (size: string, storageClass = balanced): DeployedClaim => ({
    name: "data-postgres-3",
    size,
    storageClass,
  });
  const unusedOf = (live: LiveCluster | undefined, spec = asked) => unusedParts(spec, live);

  it("a StatefulSet and claims that ask for what is no longer wanted and have no volume", () => {
    expect(unusedOf({ fixedFields, claims: [] })).to.deep.equal({ statefulSet: true, claims: [] });
    const left = { fixedFields: undefined, claims: [], emptyClaims: [empty("10Gi")] };
    expect(unusedOf(left)).to.deep.equal({ statefulSet: false, claims: ["data-postgres-3"] });
    const other = { ...running, emptyClaims: [empty("20Gi", "other")] };
    expect(unusedOf(other)).to.deep.equal({ statefulSet: false, claims: ["data-postgres-3"] });
  });

  it("and never what has one, fits, is not there or cannot be read", () => {
    const fits = { fixedFields, claims: [], emptyClaims: [empty("10Gi")] };
    expect(unusedOf(running)).to.equal(undefined);
    expect(unusedOf(fits, clusterSpec(args))).to.equal(undefined);
    expect(unusedOf({ fixedFields: undefined, claims: [] })).to.equal(undefined);
    expect(unusedOf(undefined)).to.equal(undefined);
  });
});
