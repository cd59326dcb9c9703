import { expect } from "chai";
import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import type { DeployedState } from "../../../local/pulumi/deployed-state";
import { type LiveCluster, refusedChanges } from "../../../local/pulumi/live-changes";

const args: PostgresClusterArgs = { namespace: "n", storageClassName: "fast", createNamespace: false };
const fixedFields = { podManagementPolicy: "OrderedReady", storageClassName: "fast", storageSize: "10Gi" };
const state: DeployedState = {
  names: { namespace: "n", service: "postgres-svc", database: "myapp", user: "appuser" },
  place: { namespace: "n", name: "postgres" },
  fixedFields,
  losesVolumes: false,
  storageClasses: [],
  namespaces: [],
  lostNamespaces: [],
};
const claims = [{ name: "data-postgres-0", size: "10Gi", storageClass: "fast" }];
const record = { major: 16, database: "myapp", user: "appuser" };
const running: LiveCluster = { fixedFields, claims };
const takenDown: LiveCluster = { fixedFields: undefined, claims, record };

interface Case {
  title: string;
  state?: DeployedState;
  live?: LiveCluster;
  change: PostgresClusterArgs;
  /** Setting and what its problem has to say. */
  refused: Record<string, RegExp>;
}

const cases: Case[] = [
  {
    title: "another database and user, with the ways to have one more and to acknowledge",
    state,
    live: running,
    change: { database: "shop", user: "clerk" },
    refused: {
      database: /setting databases makes a further one.*renamed in SQL: set acknowledge.database to shop.*--stack/,
      user: /setting roles makes a further one.*renamed in SQL: set acknowledge.user to clerk.*--stack/,
    },
  },
  {
    title: "another database, user and major after the stack was taken down",
    live: takenDown,
    change: { database: "shop", user: "clerk", image: "postgres:17" },
    refused: { database: /myapp/, user: /appuser/, image: /is of PostgreSQL 16, and 17 does not read it/ },
  },
  {
    title: "a newer major, by what the latch says",
    state,
    live: { ...running, image: "registry/own:latest", record },
    change: { image: "postgres:17.1" },
    refused: {
      image:
        /n\/postgres is of PostgreSQL 16.*Set it back to an image of PostgreSQL 16\..*--stack.*pg_upgrade.*acknowledge.major to 17/,
    },
  },
  {
    title: "an older major, by what the state has where the cluster cannot be read",
    state: { ...state, record },
    change: { image: "postgres:15" },
    refused: { image: /and 15 does not read it.*no way back to an older major but pg_dump/ },
  },
  {
    title: "another major, by what the pods run where an earlier version wrote nothing on the latch",
    state,
    live: { ...running, image: "postgres:15.8", record: {} },
    change: { image: "postgres:16" },
    refused: { image: /is of PostgreSQL 15/ },
  },
  {
    title: "nothing about an image of the same major, or of one that its tag does not name",
    state,
    live: { ...running, image: "postgres:16", record },
    change: { image: "registry/own:latest" },
    refused: {},
  },
  {
    title: "nothing about the major of pods that were never ready",
    live: { ...running, image: "postgres:17" },
    change: { image: "postgres:16" },
    refused: {},
  },
  {
    title: "nothing that was done by hand and is acknowledged",
    state: { ...state, record },
    live: { ...running, image: "postgres:16", record },
    change: {
      image: "postgres:17",
      database: "shop",
      user: "clerk",
      acknowledge: { major: 17, database: "shop", user: "clerk" },
    },
    refused: {},
  },
  {
    title: "what is not acknowledged beside what is",
    state,
    live: { ...running, record },
    change: { image: "postgres:17", database: "shop", acknowledge: { database: "shop" } },
    refused: { image: /is of PostgreSQL 16/ },
  },
];

describe("what the data is, on a deployed stack: refused is", () => {
  for (const { title, state: left, live, change, refused } of cases) {
    it(title, () => {
      const problems = refusedChanges(clusterSpec({ ...args, ...change }), left, live, "dev");
      expect(problems.map(({ setting }) => setting)).to.deep.equal(Object.keys(refused));
      for (const { setting, why, fix } of problems) expect(`${why} ${fix}`).to.match(refused[setting] ?? /^$/);
    });
  }
});
