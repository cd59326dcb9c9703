import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import type { PostgresClusterArgs } from "../../components/postgres/args";
import type { Effect } from "../../components/postgres/effects";
import { allSettingRows } from "../../components/postgres/setting-effects";
import { clusterSpec } from "../../components/postgres/spec";
import { clusterProblems } from "../../components/postgres/validate";
import { type DeployedState, readState } from "../../local/pulumi/deployed-state";
import { refusedChanges } from "../../local/pulumi/live-changes";
import { at, textAt } from "../../local/tools/json";
import { TestAuthority } from "../certificates";
import { asConfig, knownPlanOf, type Plan, type PlannedResource } from "./plan";

/** A change of settings, and the effect it has to have. */
type Example = [effect: Effect, before: PostgresClusterArgs, after: PostgresClusterArgs];

const resources = { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } };
const thrownAway: PostgresClusterArgs = { namespace: "n", keepVolumes: false };
const onAws: PostgresClusterArgs = { cloud: "aws" };
const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890aa";
const fast: PostgresClusterArgs = { workload: "high-performance", storageSize: "20Gi" };

/** By setting: at least one change for each effect that its row states. */
const examples: Record<string, Example[]> = {
  cloud: [
    ["refused", {}, { cloud: "aws" }],
    ["refused", { cloud: "gcp" }, { cloud: "azure" }],
    ["refused", thrownAway, { ...thrownAway, cloud: "aws" }],
    ["none", { storageClassName: "own" }, { storageClassName: "own", cloud: "aws" }],
  ],
  workload: [
    ["restart", {}, { workload: "production" }],
    ["restart", {}, { workload: "high-performance" }],
    ["restart", { cloud: "aws" }, { cloud: "aws", workload: "production" }],
    ["refused", { cloud: "aws", storageSize: "20Gi" }, { cloud: "aws", ...fast }],
    ["refused", { cloud: "gcp" }, { cloud: "gcp", workload: "production" }],
    ["refused", { cloud: "azure" }, { cloud: "azure", workload: "production" }],
    ["refused", { ...thrownAway, cloud: "gcp" }, { ...thrownAway, cloud: "gcp", workload: "production" }],
    ["restart", { cloud: "gcp", workload: "production" }, { cloud: "gcp", workload: "high-performance" }],
    ["reload", { resources }, { resources, workload: "production" }],
  ],
  name: [["refused", {}, { name: "other" }]],
  namespace: [["refused", {}, { namespace: "other" }]],
  createNamespace: [
    ["none", { namespace: "n" }, { namespace: "n", createNamespace: false }],
    ["refused", { namespace: "n", createNamespace: false }, { namespace: "n" }],
    ["refused", thrownAway, { ...thrownAway, createNamespace: false }],
    ["refused", thrownAway, { namespace: "n", createNamespace: false }],
  ],
  image: [
    ["restart", {}, { image: "postgres:16.4" }],
    ["refused", {}, { image: "postgres:17" }],
    ["refused", { image: "postgres:17" }, {}],
    ["restart", {}, { image: "postgres:17", acknowledge: { major: 17 } }],
  ],
  replicas: [
    ["scale", {}, { replicas: 1 }],
    ["scale", { replicas: 1 }, { replicas: 10 }],
    ["restart", { replicas: 10 }, { replicas: 11 }],
    ["scale", { replicas: 11 }, { replicas: 15 }],
    ["restart", { replicas: 15 }, { replicas: 16 }],
  ],
  synchronousReplicas: [
    ["reload", {}, { synchronousReplicas: 1 }],
    ["reload", { synchronousReplicas: 1 }, { synchronousReplicas: 0 }],
  ],
  "tls.mode": [
    ["restart", {}, { tls: { mode: "off" } }],
    ["restart", { tls: { mode: "off" } }, {}],
    ["restart", {}, { tls: { mode: "secret", secretName: "own" } }],
    ["restart", {}, { tls: { mode: "cert-manager", issuer: { name: "ca" } } }],
  ],
  "tls.secretName": [
    ["restart", { tls: { mode: "secret", secretName: "own" } }, { tls: { mode: "secret", secretName: "other" } }],
  ],
  "tls.issuer": [
    [
      "none",
      { tls: { mode: "cert-manager", issuer: { name: "ca" } } },
      { tls: { mode: "cert-manager", issuer: { name: "other", kind: "ClusterIssuer" } } },
    ],
  ],
  "tls.caCertificate": [
    [
      "none",
      { tls: { mode: "secret", secretName: "own" } },
      { tls: { mode: "secret", secretName: "own", caCertificate: new TestAuthority().certificate } },
    ],
  ],
  roles: [["reload", {}, { roles: [{ name: "reporting" }] }]],
  superuserAccess: [
    ["reload", {}, { superuserAccess: true }],
    ["reload", { superuserAccess: true }, {}],
  ],
  databases: [["reload", {}, { databases: [{ name: "reports" }] }]],
  extensions: [["reload", {}, { extensions: [{ name: "pg_trgm" }] }]],
  storageSize: [
    ["grow", { cloud: "gcp" }, { cloud: "gcp", storageSize: "20Gi" }],
    ["grow", { storageClassName: "growing" }, { storageClassName: "growing", storageSize: "11Gi" }],
    ["refused", {}, { storageSize: "20Gi" }],
    ["refused", { storageClassName: "own" }, { storageClassName: "own", storageSize: "20Gi" }],
    ["refused", { storageClassName: "growing" }, { storageClassName: "growing", storageSize: "5Gi" }],
  ],
  storageClassName: [
    ["refused", {}, { storageClassName: "own" }],
    ["refused", { storageClassName: "own" }, {}],
    ["refused", { storageClassName: "own" }, { storageClassName: "other" }],
    ["refused", {}, { storageClassName: clusterSpec({}).storageClassName }],
    ["refused", thrownAway, { ...thrownAway, storageClassName: "own" }],
  ],
  "encryption.createKey": [
    ["refused", onAws, { ...onAws, encryption: { createKey: true } }],
    ["refused", { ...onAws, encryption: { createKey: true } }, onAws],
    ["refused", { ...onAws, encryption: { keyId: kmsKey } }, { ...onAws, encryption: { createKey: true } }],
    [
      "refused",
      { ...onAws, storageClassName: "own" },
      { ...onAws, storageClassName: "own", encryption: { createKey: true } },
    ],
  ],
  "encryption.keyId": [
    ["refused", onAws, { ...onAws, encryption: { keyId: kmsKey } }],
    ["refused", { ...onAws, encryption: { keyId: kmsKey } }, onAws],
    ["refused", { ...onAws, encryption: { createKey: true } }, { ...onAws, encryption: { keyId: kmsKey } }],
    [
      "refused",
      { ...onAws, encryption: { keyId: kmsKey } },
      { ...onAws, encryption: { keyId: `${kmsKey.slice(0, -1)}b` } },
    ],
  ],
  database: [
    ["refused", {}, { database: "shop" }],
    ["restart", {}, { database: "shop", acknowledge: { database: "shop" } }],
  ],
  user: [
    ["refused", {}, { user: "clerk" }],
    ["restart", {}, { user: "clerk", acknowledge: { user: "clerk" } }],
  ],
  "resources.requests": [
    ["restart", {}, { resources: { requests: { cpu: "300m" } } }],
    ["restart", {}, { resources: { requests: { memory: "300Mi" } } }],
  ],
  "resources.limits": [
    ["restart", {}, { resources: { limits: { cpu: "600m" } } }],
    ["restart", {}, { resources: { limits: { memory: "1Gi" } } }],
  ],
  parameters: [
    ["reload", {}, { parameters: { work_mem: "2MB" } }],
    ["restart", {}, { parameters: { max_connections: "30" } }],
    ["refused", {}, { parameters: { port: "5433" } }],
  ],
  podManagementPolicy: [
    ["refused", {}, { podManagementPolicy: "Parallel" }],
    ["refused", thrownAway, { ...thrownAway, podManagementPolicy: "Parallel" }],
  ],
  "updateStrategy.type": [
    ["none", {}, { updateStrategy: { type: "OnDelete" } }],
    ["none", { updateStrategy: { type: "OnDelete" } }, {}],
  ],
  "updateStrategy.partition": [["none", {}, { updateStrategy: { partition: 2 } }]],
  keepVolumes: [
    ["none", {}, { keepVolumes: false }],
    ["none", { keepVolumes: false }, {}],
  ],
  protect: [["none", {}, { protect: true }]],
  passwordGeneration: [["reload", {}, { passwordGeneration: 2 }]],
  recoverPrimaryFrom: [
    ["reload", {}, { recoverPrimaryFrom: 1 }],
    ["reload", { recoverPrimaryFrom: 1 }, {}],
  ],
  "networkPolicy.enabled": [
    ["none", {}, { networkPolicy: { enabled: false } }],
    ["none", { networkPolicy: { enabled: false } }, {}],
  ],
  "networkPolicy.clients": [
    ["none", {}, { networkPolicy: { clients: [] } }],
    ["none", { networkPolicy: { clients: [{ namespace: "shop" }] } }, {}],
  ],
  "acknowledge.major": [["none", {}, { acknowledge: { major: 16 } }]],
  "acknowledge.database": [["none", {}, { acknowledge: { database: "myapp" } }]],
  "acknowledge.user": [["none", { acknowledge: { user: "appuser" } }, {}]],
  runAsUser: [["restart", {}, { runAsUser: 70 }]],
  runAsGroup: [["restart", {}, { runAsGroup: 70 }]],
};

/** What Kubernetes lets a StatefulSet change in place; the provider replaces it for everything else. */
const changeable = ["replicas", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy"];

async function planFor(args: PostgresClusterArgs): Promise<Plan> {
  const config = Object.entries(asConfig({ ...args })).map(([name, value]) => [`kubernetes-postgres:${name}`, value]);
  return knownPlanOf("dev", Object.fromEntries(config));
}

/** The state that a deployment of a plan leaves. */
function stateOf({ resources, outputs }: Plan): DeployedState {
  const made = resources.map(({ type, inputs, options }) => ({ type, inputs, retainOnDelete: options.retainOnDelete }));
  const stack = { type: "pulumi:pulumi:Stack", outputs };
  const state = readState(JSON.stringify({ deployment: { resources: [stack, ...made] } }));
  if (state === undefined) throw new Error("the plan makes nothing");
  return state;
}

/** The settings that `up` refuses to change on a cluster that was made with `before`, and has its volumes. */
function refused(before: Plan, after: PostgresClusterArgs): string[] {
  const problems = clusterProblems(after);
  if (problems.length > 0) return problems.map(({ setting }) => setting);
  const state = stateOf(before);
  const { fixedFields } = state;
  if (fixedFields === undefined) throw new Error("the plan has no StatefulSet");
  const { storageSize: size, storageClassName: storageClass } = fixedFields;
  // One that the stack did not make is somebody else's.
  const namespace = { labels: {} };
  const expandable = [
    ...before.resources.filter(canExpand).map(({ inputs }) => textAt(inputs, "metadata", "name") ?? ""),
    "growing",
  ];
  const live = { fixedFields, claims: [{ name: "data-postgres-0", size, storageClass }], expandable, namespace };
  return refusedChanges(clusterSpec(after), state, live, "dev").map(({ setting }) => setting);
}

const canExpand = ({ type, inputs }: PlannedResource): boolean =>
  type.endsWith(":StorageClass") && at(inputs, "allowVolumeExpansion") === true;

/** The effect of a change as the plan shows it: the gravest of what differs. */
async function observed(setting: string, before: PostgresClusterArgs, after: PostgresClusterArgs): Promise<Effect> {
  expect(clusterProblems(before)).to.deep.equal([]);
  const old = await planFor(before);
  const stopped = refused(old, after);
  for (const name of stopped) expect(name.split(".")[0]).to.equal(setting.split(".")[0]);
  if (stopped.length > 0) return "refused";
  const planned = await planFor(after);
  const [oldSet, newSet] = [statefulSetSpec(old.resources), statefulSetSpec(planned.resources)];
  const differs = (field: string): boolean => !isDeepStrictEqual(oldSet.get(field), newSet.get(field));
  // Claims that are there already follow the size, and the StatefulSet's own template is left as it was made.
  const kept = statefulSetOptions(planned.resources);
  const unchangeable = [...oldSet.keys(), ...newSet.keys()].filter(
    (field) => !changeable.includes(field) && !kept.includes(field),
  );
  expect(unchangeable.filter(differs), "what no StatefulSet can change").to.deep.equal([]);
  expect(losesNamespace(old.resources, planned.resources), "whether the namespace is deleted").to.equal(false);
  if (differs("template")) return "restart";
  if (differs("replicas")) return "scale";
  if (claimSizes(old.resources) !== claimSizes(planned.resources)) return "grow";
  return isDeepStrictEqual(mountedFiles(old.resources), mountedFiles(planned.resources)) ? "none" : "reload";
}

function statefulSetSpec(plan: PlannedResource[]): Map<string, unknown> {
  const spec = at(plan.find(({ type }) => type.endsWith(":StatefulSet"))?.inputs, "spec");
  if (typeof spec !== "object" || spec === null) throw new Error("the plan has no StatefulSet");
  return new Map<string, unknown>(Object.entries(spec));
}

/** Fields of its spec that an update leaves alone. */
function statefulSetOptions(plan: PlannedResource[]): string[] {
  const ignored = plan.find(({ type }) => type.endsWith(":StatefulSet"))?.options.ignoreChanges;
  return Array.isArray(ignored) ? ignored.map((path) => `${path}`.replace("spec.", "")) : [];
}

/** What the claims ask for, as one text. */
function claimSizes(plan: PlannedResource[]): string {
  const claims = plan.filter(({ type }) => type.endsWith(":PersistentVolumeClaim"));
  return claims
    .map(({ name, inputs }) => `${name} ${textAt(inputs, "spec", "resources", "requests", "storage")}`)
    .sort()
    .join();
}

/** A namespace that is no longer in the program is deleted unless it is retained, and everything in it. */
function losesNamespace(old: PlannedResource[], planned: PlannedResource[]): boolean {
  const isNamespace = ({ type }: PlannedResource): boolean => type.endsWith(":Namespace");
  return (
    old.some((resource) => isNamespace(resource) && !resource.options.retainOnDelete) && !planned.some(isNamespace)
  );
}

/** What the pods have mounted; a password that is generated anew becomes the Secret's. */
function mountedFiles(plan: PlannedResource[]): Record<string, unknown> {
  const files = plan.filter(({ type }) => /:(ConfigMap|Secret|RandomPassword)$/.test(type));
  return Object.fromEntries(files.map(({ name, inputs: { metadata, ...files } }) => [name, files]));
}

describe("what a change of a setting does is what the plan shows:", () => {
  for (const [setting, changes] of Object.entries(examples)) {
    for (const [effect, before, after] of changes) {
      it(`${setting} from ${JSON.stringify(before)} to ${JSON.stringify(after)}: ${effect}`, async () => {
        expect(await observed(setting, before, after)).to.equal(effect);
      });
    }
  }

  for (const [setting, { effect, otherwise = [] }] of allSettingRows()) {
    it(`${setting} has an example of each effect that its row states, and of no other`, () => {
      const stated = [effect, ...otherwise.map((other) => other.effect)];
      const shown = (examples[setting] ?? []).map(([example]) => example);
      expect([...new Set(shown)]).to.have.members(stated);
    });
  }
});
