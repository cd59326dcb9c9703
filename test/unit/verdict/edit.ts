import type { PostgresClusterArgs } from "../../../components/postgres/args";
import { clusterSpec } from "../../../components/postgres/spec";
import { clusterProblems } from "../../../components/postgres/validate";
import { differences, overlap, pathText } from "../../../components/postgres/verdict/difference";
import type { FoundData, Verdict } from "../../../components/postgres/verdict/types";
import { refusal, verdictOf } from "../../../components/postgres/verdict/verdict";
import { readState } from "../../../local/pulumi/deployed-state";
import { refusedChanges } from "../../../local/pulumi/live-changes";
import { parsePath, plannedChanges, settingsOf } from "../../../local/verdict/plan";
import type { PlanStep } from "../../../local/verdict/step";
import { asConfig, knownPlanOf, type Plan, type PlannedResource, stackConfig } from "../plan";

/** What one changes, and what the cluster then has that the program did not give it. */
export interface Edit {
  /** Whose settings it starts from; default none at all but a namespace. */
  stack?: string | undefined;
  /** Settings that are deployed on top of them. */
  from?: PostgresClusterArgs;
  /** Settings that are asked for on top of those; `undefined` removes one. */
  to?: PostgresClusterArgs;
  /** Nothing is deployed. */
  isNew?: boolean;
  /** Makes what is deployed something else: by hand, or by another version. */
  deployed?: (resources: PlannedResource[]) => PlannedResource[];
  /** Whether that is what no setting explains. */
  tampered?: boolean;
  /** The StatefulSet as the cluster reports it. */
  live?: unknown;
  /** What there is of the data. */
  data?: FoundData;
  /** Whether a refresh found missing what is not deployed; it was never there otherwise. Default: nobody looked. */
  drifted?: boolean;
}

const component = "kubernetes-postgres:index:PostgresCluster";

function planFor({ stack }: Edit, settings: PostgresClusterArgs): Promise<Plan> {
  const own = Object.entries(settings).filter(([, value]) => value !== undefined);
  const named = asConfig(Object.fromEntries(own.map(([name, value]) => [`kubernetes-postgres:${name}`, value])));
  const base: Record<string, string> =
    stack === undefined ? { "kubernetes-postgres:namespace": "n" } : stackConfig(stack);
  return knownPlanOf(stack ?? "dev", { ...base, ...named });
}

/** The verdict on an edit: the program plans both sides under mocks, and this stands for the engine that compares them. */
export async function verdictOn(edit: Edit): Promise<Verdict> {
  const stack = edit.stack ?? "dev";
  const from = edit.from ?? {};
  const before = await planFor(edit, from);
  const problems = await refused(edit, before, { ...from, ...edit.to });
  if (problems.length > 0) return refusal(stack, problems);
  const after = await planFor(edit, { ...from, ...edit.to });
  const deployed = edit.isNew ? [] : (edit.deployed ?? ((all) => all))(structuredClone(before.resources));
  const steps = stepsBetween(deployed, after.resources, edit.live);
  const unchanged = steps.filter(({ op }) => op === "same").length;
  const missing = edit.drifted === undefined ? undefined : new Set(edit.drifted ? steps.map(({ urn }) => urn) : []);
  const plan = plannedChanges({ steps, unchanged, drifted: missing, errors: [] });
  return verdictOf(stack, { ...plan, data: edit.data });
}

async function refused(edit: Edit, before: Plan, settings: PostgresClusterArgs) {
  const inputs = before.resources.find(({ type }) => type === component)?.inputs;
  const deployed = settingsOf(inputs) ?? {};
  const asked = { ...deployed, ...settings };
  const wrong = clusterProblems(asked);
  if (wrong.length > 0 || edit.isNew) return wrong;
  const made = before.resources.map(({ type, inputs: own, options }) => ({ ...options, type, inputs: own }));
  const state = readState(
    JSON.stringify({ deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs: before.outputs }, ...made] } }),
  );
  if (state?.fixedFields === undefined) throw new Error("the plan has no StatefulSet");
  const { storageSize: size, storageClassName: storageClass } = state.fixedFields;
  const live = {
    fixedFields: state.fixedFields,
    claims: [{ name: "data-postgres-0", size, storageClass }],
    expandable: [storageClass],
  };
  return refusedChanges(clusterSpec(asked), state, live, edit.stack ?? "dev");
}

/** The steps of an engine that has one plan deployed and is given another. */
export function stepsBetween(deployed: PlannedResource[], wanted: PlannedResource[], live: unknown): PlanStep[] {
  const key = ({ type, name }: PlannedResource): string => `${type} ${name}`;
  const [old, now] = [new Map(deployed.map((one) => [key(one), one])), new Map(wanted.map((one) => [key(one), one]))];
  const steps = [...new Set([...old.keys(), ...now.keys()])].map((name) => step(old.get(name), now.get(name), live));
  const renewed = steps.some(({ op, type }) => op !== "same" && type.endsWith(":RandomPassword"));
  // The mocked passwords are all the same: the Secret would not change with them.
  return steps.map((one) =>
    renewed && one.urn.endsWith("-secret") && one.op === "same" ? { ...one, op: "update", paths: ["stringData"] } : one,
  );
}

function step(old: PlannedResource | undefined, now: PlannedResource | undefined, live: unknown): PlanStep {
  const { type = "", name = "" } = now ?? old ?? {};
  const ignored = list(now?.options.ignoreChanges).map(parsePath);
  const differing = old === undefined || now === undefined ? [] : differences(old.inputs, now.inputs);
  const paths = differing.filter((path) => !ignored.some((other) => overlap(path, other)));
  const replaces = type.endsWith(":RandomPassword") || list(now?.options.replaceOnChanges).length > 0;
  const changed = paths.length === 0 ? "same" : replaces ? "replace" : "update";
  const state = (resource: PlannedResource | undefined) =>
    resource && {
      custom: type !== component,
      retainOnDelete: resource.options.retainOnDelete === true,
      inputs: resource.inputs,
      outputs: type.endsWith(":StatefulSet") ? live : undefined,
    };
  return {
    op: old === undefined ? "create" : now === undefined ? "delete" : changed,
    urn: `urn:pulumi:s::p::${type === component ? type : `${component}$${type}`}::${name}`,
    type,
    paths: paths.map(pathText),
    before: state(old),
    after: state(now),
  };
}

const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
