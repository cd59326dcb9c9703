import { expect } from "chai";
import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import type { DeployedState } from "../../../local/pulumi/deployed-state";
import { type LiveCluster, makesNamespace, refusedChanges } from "../../../local/pulumi/live-changes";
import { readLabels } from "../../../local/pulumi/pods/snapshot";

const args: PostgresClusterArgs = { namespace: "team" };
const made = clusterSpec(args).namespaceLabels;
const madeEarlier = {
  "app.kubernetes.io/managed-by": "pulumi",
  "pod-security.kubernetes.io/enforce": "restricted",
};
const { storageClassName: storageClass, storageSize: size, podManagementPolicy } = clusterSpec(args);
const fixedFields = { podManagementPolicy, storageClassName: storageClass, storageSize: size };
const claim = { name: "data-postgres-0", size, storageClass };
const state: DeployedState = {
  names: undefined,
  place: { namespace: "n", name: "postgres" },
  fixedFields,
  losesVolumes: false,
  storageClasses: [storageClass],
  namespaces: ["team"],
  lostNamespaces: [],
};
const inForeign: DeployedState = { ...state, namespaces: [] };
/** A namespace with these labels, and claims of the cluster in it or not. */
const withLabels = (labels: Record<string, string>, claims = [claim]): LiveCluster => ({
  fixedFields: undefined,
  claims,
  namespace: { labels },
});

interface Case {
  title: string;
  state?: DeployedState;
  live?: LiveCluster;
  change?: PostgresClusterArgs;
}

const refused: Case[] = [
  { title: "without any label", live: withLabels({}, []) },
  { title: "that another Pulumi program made", live: withLabels(madeEarlier, []) },
  { title: "made for another cluster", live: withLabels({ ...made, "kubernetes-postgres/cluster": "other" }) },
  { title: "that only has claims of the cluster", live: withLabels({}) },
  { title: "that lacks one of the earlier labels", live: withLabels({ "app.kubernetes.io/managed-by": "pulumi" }) },
  { title: "that the deployed stack uses without having made it", state: inForeign, live: withLabels(madeEarlier) },
  { title: "called default", live: withLabels({}, []), change: { namespace: "default", createNamespace: true } },
  { title: "whatever keepVolumes says", live: withLabels({}, []), change: { keepVolumes: false } },
];

const taken: Case[] = [
  { title: "one that is not there", live: { fixedFields: undefined, claims: [] } },
  { title: "one of the state, whatever its labels", state, live: withLabels({}) },
  { title: "one with our mark and nothing in it, after its stack and its state went", live: withLabels(made, []) },
  { title: "one with our mark that the stack gave up in between", state: inForeign, live: withLabels(made) },
  { title: "one of an earlier version, with the cluster's claims", live: withLabels(madeEarlier) },
  {
    title: "one of an earlier version, after an up that ended before it made anything",
    state: { ...inForeign, fixedFields: undefined },
    live: withLabels(madeEarlier),
  },
  { title: "any, with createNamespace: false", live: withLabels({}, []), change: { createNamespace: false } },
];

const problems = ({ state: left, live, change }: Case) =>
  refusedChanges(clusterSpec({ ...args, ...change }), left, live, "dev");

describe("to make a namespace that is there already", () => {
  for (const one of refused) {
    it(`is refused for one ${one.title}`, () => {
      expect(problems(one).map(({ setting, asked }) => [setting, asked])).to.deep.equal([["createNamespace", "true"]]);
    });
  }

  for (const one of taken) {
    it(`is fine for ${one.title}`, () => expect(problems(one)).to.deep.equal([]));
  }

  it("is refused with the reason and the way out", () => {
    const [problem] = problems({ title: "", live: withLabels({}, []) });
    expect(problem?.why).to.match(/Namespace team is there already, and this stack did not make it.*others have in it/);
    expect(problem?.fix).to.match(/createNamespace to false/);
    const [another] = problems({ title: "", live: withLabels({ "kubernetes-postgres/cluster": "shop" }, []) });
    expect(another?.why).to.match(/made for cluster shop/);
  });
});

describe("a namespace may only be made after a look at the cluster", () => {
  it("unless the state has it already, or none is to be made", () => {
    expect(makesNamespace(clusterSpec(args), undefined)).to.equal(true);
    expect(makesNamespace(clusterSpec(args), inForeign)).to.equal(true);
    expect(makesNamespace(clusterSpec(args), state)).to.equal(false);
    expect(makesNamespace(clusterSpec({ ...args, createNamespace: false }), undefined)).to.equal(false);
  });

  it("which has its labels", () => {
    expect(readLabels({ metadata: { labels: { a: "b" } } })).to.deep.equal({ a: "b" });
    expect([readLabels({ metadata: {} }), readLabels(undefined)]).to.deep.equal([{}, {}]);
  });
});
