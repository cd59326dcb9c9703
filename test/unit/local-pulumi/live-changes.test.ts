import { expect } from "chai";
import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import type { PlannedChange } from "../../../local/pulumi/engine-events";
import { Events } from "../../../local/pulumi/engine-run";
import {
  type DeployedClaim,
  type DeployedNames,
  namesInCheckpoint,
  reachesRunningPods,
  refusedChanges,
} from "../../../local/pulumi/live-changes";

const deployed: DeployedNames = { namespace: "n", service: "postgres-svc", database: "myapp", user: "appuser" };
const args: PostgresClusterArgs = {
  cloud: "on-premise",
  namespace: "n",
  database: "myapp",
  user: "appuser",
  storageSize: "10Gi",
};
const claims = (...sizes: string[]): DeployedClaim[] =>
  sizes.map((size, ordinal) => ({ name: `data-postgres-${ordinal}`, size }));

type Step = "refresh" | "create";

interface Case {
  title: string;
  previous?: DeployedNames;
  claims?: DeployedClaim[];
  change?: PostgresClusterArgs;
  /** Setting and what its problem has to say. */
  refused: Record<string, RegExp>;
}

const cases: Case[] = [
  { title: "nothing on a new stack", change: { namespace: "m", storageSize: "1Gi" }, refused: {} },
  { title: "nothing where nothing changes", previous: deployed, claims: claims("10Gi", "10240Mi"), refused: {} },
  {
    title: "nothing that can change in place",
    previous: deployed,
    claims: claims("10Gi"),
    change: { replicas: 5, workload: "high-performance" },
    refused: {},
  },
  {
    title: "another namespace",
    previous: deployed,
    change: { namespace: "m" },
    refused: { namespace: /new, empty cluster.*Set it back to n\..*--stack/ },
  },
  {
    title: "another name",
    previous: deployed,
    change: { name: "other" },
    refused: { name: /new, empty cluster.*Set it back to postgres\..*--stack/ },
  },
  {
    title: "another database and user, both at once",
    previous: deployed,
    change: { database: "shop", user: "clerk" },
    refused: {
      database: /database that does not exist.*Set it back to myapp\./,
      user: /role that does not exist.*Set it back to appuser\./,
    },
  },
  {
    title: "another size, also after the stack was taken down",
    claims: claims("1Gi", "1Gi"),
    refused: {
      storageSize:
        /data-postgres-0, data-postgres-1, made with 1Gi.*WAL settings would follow 10Gi.*Set it back to 1Gi\..*--volumes/,
    },
  },
  {
    title: "a size that only some claims have",
    previous: deployed,
    claims: claims("10Gi", "5Gi", "1Gi"),
    refused: { storageSize: /data-postgres-1 \(5Gi\), data-postgres-2 \(1Gi\)/ },
  },
];

describe("settings on a deployed stack: refused is", () => {
  for (const { title, previous, claims: found = [], change = {}, refused } of cases) {
    it(title, () => {
      const problems = refusedChanges(previous, clusterSpec({ ...args, ...change }), found);
      expect(problems.map(({ setting }) => setting)).to.deep.equal(Object.keys(refused));
      for (const { setting, why, fix } of problems) expect(`${why} ${fix}`).to.match(refused[setting] ?? /^$/);
    });
  }
});

describe("what is deployed, in the state's file", () => {
  const checkpoint = (outputs: object): string => {
    const resources = [
      { type: "a:b:C", outputs: {} },
      { type: "pulumi:pulumi:Stack", outputs },
    ];
    return JSON.stringify({ version: 3, checkpoint: { latest: { resources } } });
  };

  it("is found", () => {
    expect(namesInCheckpoint(checkpoint({ ...deployed, connectionUri: { ciphertext: "x" } }))).to.deep.equal(deployed);
  });

  it("is nothing when the stack is gone, half made or unreadable", () => {
    for (const text of [checkpoint({ namespace: "n" }), '{"checkpoint":{"latest":null}}', "\u001f\u008b", ""]) {
      expect(namesInCheckpoint(text)).to.equal(undefined);
    }
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
    const state = { type, urn, custom: true, id: "n/postgres", parent: "", inputs: {}, outputs: {}, provider: "" };
    return { op, urn, type, old: state, new: state, provider: "" };
  };

  for (const operation of ["preview", "up"] as const) {
    it(`is no change itself (${operation}); making again what was deleted is one`, () => {
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
    });
  }
});
