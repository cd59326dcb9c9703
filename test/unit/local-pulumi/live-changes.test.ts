import { expect } from "chai";
import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import type { DeployedNames, DeployedState } from "../../../local/pulumi/deployed-state";
import type { PlannedChange } from "../../../local/pulumi/engine-events";
import { Events } from "../../../local/pulumi/engine-run";
import {
  type DeployedClaim,
  type LiveCluster,
  reachesRunningPods,
  refusedChanges,
  refusedDeletion,
} from "../../../local/pulumi/live-changes";

const names: DeployedNames = { namespace: "n", service: "postgres-svc", database: "myapp", user: "appuser" };
const args: PostgresClusterArgs = {
  cloud: "gcp",
  namespace: "n",
  database: "myapp",
  user: "appuser",
  storageSize: "10Gi",
};
const balanced = "n-postgres-pd-balanced";
const fixedFields = { podManagementPolicy: "OrderedReady", storageClassName: balanced, storageSize: "10Gi" };
const state: DeployedState = {
  names,
  place: { namespace: "n", name: "postgres" },
  fixedFields,
  losesVolumes: false,
  storageClasses: [balanced],
  namespaces: ["n"],
  lostNamespaces: [],
};
const thrownAway: DeployedState = { ...state, losesVolumes: true, lostNamespaces: ["n"] };
const claims = (...sizes: string[]): DeployedClaim[] =>
  sizes.map((size, ordinal) => ({ name: `data-postgres-${ordinal}`, size, storageClass: balanced }));
const running: LiveCluster = { fixedFields, claims: claims("10Gi", "10240Mi") };
const takenDown: LiveCluster = { ...running, fixedFields: undefined };
const withOwnClass: LiveCluster = {
  fixedFields: { ...fixedFields, storageClassName: "own" },
  claims: [{ name: "data-postgres-0", size: "10Gi", storageClass: "own" }],
};

type Step = "refresh" | "create" | "delete";

interface Case {
  title: string;
  state?: DeployedState;
  live?: LiveCluster;
  change?: PostgresClusterArgs;
  /** Setting and what its problem has to say. */
  refused: Record<string, RegExp>;
}

const cases: Case[] = [
  { title: "nothing on a new stack", change: { namespace: "m", storageSize: "20Gi", cloud: "aws" }, refused: {} },
  { title: "nothing where nothing changes", state, live: running, refused: {} },
  {
    title: "nothing that can change in place",
    state,
    live: running,
    change: { replicas: 5, resources: { limits: { memory: "2Gi" } } },
    refused: {},
  },
  {
    title: "nothing for another workload on the same kind of disk",
    state,
    live: {
      fixedFields: { ...fixedFields, storageClassName: "n-postgres-pd-ssd" },
      claims: [{ name: "data-postgres-0", size: "10Gi", storageClass: "n-postgres-pd-ssd" }],
    },
    change: { workload: "high-performance" },
    refused: {},
  },
  {
    title: "another namespace, and not the class that follows from its name",
    state,
    live: { fixedFields: undefined, claims: [] },
    change: { namespace: "m" },
    refused: { namespace: /new, empty cluster.*Set it back to n\..*--stack/ },
  },
  {
    title: "another name",
    state,
    change: { name: "other" },
    refused: { name: /new, empty cluster.*Set it back to postgres\..*--stack/ },
  },
  {
    title: "another database and user, both at once",
    state,
    live: running,
    change: { database: "shop", user: "clerk" },
    refused: {
      database: /database that does not exist.*Set it back to myapp\./,
      user: /role that does not exist.*Set it back to appuser\./,
    },
  },
  {
    title: "a smaller size, also after the stack was taken down",
    live: { fixedFields: undefined, claims: claims("20Gi", "20Gi") },
    refused: {
      storageSize:
        /data-postgres-0 \(20Gi\), data-postgres-1 \(20Gi\).*Set it back to 20Gi\..*npm run down -- --volumes/,
    },
  },
  {
    title: "a larger size where the class cannot expand volumes",
    live: running,
    change: { storageSize: "20Gi" },
    refused: { storageSize: /data-postgres-0 \(10Gi\).*n-postgres-pd-balanced cannot grow.*Set it back to 10Gi/ },
  },
  {
    title: "nothing about a larger size where it can",
    state,
    live: { ...running, expandable: [balanced] },
    change: { storageSize: "20Gi" },
    refused: {},
  },
  {
    title: "another cloud",
    state,
    live: running,
    change: { cloud: "azure" },
    refused: { cloud: /n-postgres-pd-balanced.*n-postgres-standard-ssd.*Set it back to gcp\./ },
  },
  {
    title: "a workload with other disks",
    state,
    live: running,
    change: { workload: "production" },
    refused: { workload: /n-postgres-pd-ssd.*Set it back to development\..*set resources instead/ },
  },
  {
    title: "another cloud and workload, size, start order and database, all at once",
    state,
    live: running,
    change: {
      cloud: "azure",
      workload: "production",
      storageSize: "5Gi",
      podManagementPolicy: "Parallel",
      database: "shop",
    },
    refused: {
      database: /shop|myapp/,
      storageSize: /cannot shrink\..*Set it back to 10Gi/,
      cloud: /Set it back to gcp\./,
      workload: /Set it back to development\./,
      podManagementPolicy: /OrderedReady and keeps it.*all pods would stop.*Set it back to OrderedReady/,
    },
  },
  {
    title: "an existing class instead of the created one",
    state,
    live: running,
    change: { storageClassName: "own" },
    refused: { storageClassName: /n-postgres-pd-balanced.*to own.*Leave storageClassName out\./ },
  },
  {
    title: "the created class as an existing one, which would delete it",
    state,
    live: running,
    change: { storageClassName: balanced },
    refused: { storageClassName: /itself made this class.*Leave storageClassName out/ },
  },
  {
    title: "another existing class",
    live: withOwnClass,
    change: { storageClassName: "other" },
    refused: { storageClassName: /class own.*Set it back to own\./i },
  },
  { title: "no existing class any more", live: withOwnClass, refused: { storageClassName: /Set it back to own\./ } },
  {
    title: "another class after the stack was taken down, but no other start order",
    live: takenDown,
    change: { cloud: "azure", podManagementPolicy: "Parallel" },
    refused: { cloud: /Set it back to gcp\./ },
  },
  {
    title: "nothing while no claim has a volume",
    state,
    live: { ...running, claims: [] },
    change: { cloud: "azure", storageSize: "20Gi", podManagementPolicy: "Parallel" },
    refused: {},
  },
  {
    title: "what the state tells where the cluster cannot be read",
    state,
    change: { cloud: "on-premise", storageSize: "5Gi", podManagementPolicy: "Parallel" },
    refused: { storageSize: /10Gi/, cloud: /gcp/, podManagementPolicy: /OrderedReady/ },
  },
  {
    title: "to give up a namespace that goes with its data",
    state: thrownAway,
    live: running,
    change: { createNamespace: false, keepVolumes: true },
    refused: { createNamespace: /deleted, and all data in it.*set keepVolumes to true, run npm run up/ },
  },
  {
    title: "nothing about a namespace that stays",
    state,
    live: running,
    change: { createNamespace: false },
    refused: {},
  },
];

describe("settings on a deployed stack: refused is", () => {
  for (const { title, state: left, live, change = {}, refused } of cases) {
    it(title, () => {
      const problems = refusedChanges(clusterSpec({ ...args, ...change }), left, live, "dev");
      expect(problems.map(({ setting }) => setting)).to.deep.equal(Object.keys(refused));
      for (const { setting, why, fix } of problems) expect(`${why} ${fix}`).to.match(refused[setting] ?? /^$/);
    });
  }

  it("down, while the deployed stack would delete the data that its settings keep", () => {
    const refused = (keepVolumes: boolean, left: DeployedState | undefined): string[] =>
      refusedDeletion(clusterSpec({ ...args, keepVolumes }), left, "dev").map(({ why, fix }) => `${why} ${fix}`);
    expect(refused(true, thrownAway)).to.have.length(1);
    expect(refused(true, thrownAway)[0]).to.match(
      /delete the volumes.*npm run up, then down.*npm run down -- --volumes/,
    );
    expect([refused(false, thrownAway), refused(true, state), refused(true, undefined)]).to.deep.equal([[], [], []]);
  });
});

describe("the note that settings reach the running pods later", () => {
  const spec = clusterSpec(args);
  const change = (of: Partial<PlannedChange>): PlannedChange => ({
    change: "update",
    kind: "ConfigMap",
    name: "n/postgres-config",
    details: [],
    ...of,
  });
  const set = { kind: "StatefulSet", name: "n/postgres" };
  const cases: [string, PlannedChange[], boolean][] = [
    ["settings", [change({})], true],
    ["passwords", [change({ kind: "Secret", name: "n/postgres-secret" })], true],
    ["settings and more replicas", [change({}), change({ ...set, details: ["spec.replicas: 3 -> 5"] })], true],
    ["settings that renew the pods", [change({}), change({ ...set, details: ["spec.template.metadata"] })], false],
    ["a new stack", [change({ change: "create" }), change({ ...set, change: "create" })], false],
    ["other objects", [change({ name: "n/postgres-scripts" })], false],
    ["nothing", [], false],
  ];
  for (const [title, changes, said] of cases) {
    it(`is ${said ? "made" : "not made"} for ${title}`, () => {
      expect(reachesRunningPods(changes, spec)).to.equal(said);
    });
  }
});

describe("reading the cluster before an update", () => {
  const event = (op: Step) => {
    const type = "kubernetes:apps/v1:StatefulSet";
    const urn = `urn:pulumi:dev::p::${type}::postgres`;
    const of = { type, urn, custom: true, id: "n/postgres", parent: "", inputs: {}, outputs: {}, provider: "" };
    return { op, urn, type, old: { ...of, retainOnDelete: true }, new: of, provider: "" };
  };

  for (const operation of ["preview", "up"] as const) {
    it(`is no change itself (${operation}); making again what was deleted is one, and what is kept is not deleted`, () => {
      const said: string[] = [];
      let applied = 0;
      const events = new Events(
        operation,
        (line) => said.push(line),
        () => {
          applied += 1;
        },
      );
      const pass = (op: Step): void => {
        events.hear({ sequence: 0, timestamp: 0, resourcePreEvent: { metadata: event(op) } });
        events.hear({ sequence: 0, timestamp: 0, resOutputsEvent: { metadata: event(op) } });
      };
      pass("refresh");
      expect([events.changes.length, said.length, applied]).to.deep.equal([0, 0, 0]);
      pass("create");
      expect(events.changes.map(({ change }) => change)).to.deep.equal(["create"]);
      expect(applied).to.equal(1);
      pass("delete");
      expect(events.changes.map(({ change }) => change)).to.deep.equal(["create", "keep"]);
    });
  }
});
