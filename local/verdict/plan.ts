import type { PostgresClusterArgs } from "../../components/postgres/args";
import { differences, overlap } from "../../components/postgres/verdict/difference";
import type {
  PlannedChanges,
  PropertyPath,
  ResourceChange,
  SettingsChange,
} from "../../components/postgres/verdict/types";
import { settingNames, settingsSchema } from "../../stacks/schema";
import { kindOfType } from "../pulumi/checkpoint";
import { changeOf, nameOf } from "../pulumi/engine-events";
import type { PlanStep, PlanSteps } from "./step";

const component = "kubernetes-postgres:index:PostgresCluster";

/** A plan of the engine, as the verdict is made from it. */
export function plannedChanges({ steps, unchanged, drifted }: PlanSteps): PlannedChanges {
  const known = settingsChange(steps.filter(({ type }) => type === component));
  const changes: ResourceChange[] = [];
  let others = 0;
  for (const step of steps) {
    const change = resourceChange(step, drifted);
    if (change === undefined) continue;
    if (step.urn.includes(`${component}$`)) changes.push(change);
    else others += 1;
  }
  return { settings: known, changes, unchanged, others };
}

/**
 * The settings are the component's own inputs. A plan in short form leaves out what does not change. Another name makes
 * another component: one goes and one is made.
 */
function settingsChange(steps: readonly PlanStep[]): SettingsChange {
  const changed = steps.filter(({ op }) => op !== "same");
  const old = changed.find(({ op }) => op !== "create");
  const now = changed.find(({ op }) => op !== "delete");
  if (now === undefined) return { known: "unchanged" };
  if (old === undefined) return { known: "new" };
  const [before, after] = [settingsOf(old.before?.inputs), settingsOf(now.after?.inputs)];
  return before === undefined || after === undefined ? { known: "after" } : { known: "both", before, after };
}

/** Settings as the state has them; undefined where it has none, or some that this version does not understand. */
export function settingsOf(inputs: unknown): PostgresClusterArgs | undefined {
  if (typeof inputs !== "object" || inputs === null) return undefined;
  const entries: [string, unknown][] = Object.entries(inputs);
  const known = entries.filter(([name, value]) => settingNames.includes(name) && value !== null);
  if (known.length === 0) return undefined;
  const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : `${value}`);
  const parsed = settingsSchema.safeParse(Object.fromEntries(known.map(([name, value]) => [name, text(value)])));
  return parsed.success ? parsed.data : undefined;
}

function resourceChange(step: PlanStep, drifted: ReadonlySet<string> | undefined): ResourceChange | undefined {
  const { op, urn, type, paths, before, after } = step;
  const change = changeOf(op, type, before?.retainOnDelete === true, (after ?? before)?.custom === true, paths);
  if (change === undefined || change === "read") return undefined;
  const told = paths.map(parsePath);
  // The name of a whole part says less than a look at both sides.
  const seen = differences(before?.inputs, after?.inputs).filter((path) => told.some((part) => overlap(part, path)));
  const exact = told.some((path) => path.length > 1) ? told : seen;
  return {
    change,
    kind: kindOfType(type),
    name: nameOf(urn, (after ?? before)?.inputs),
    paths: change === "create" || change === "delete" ? [] : exact.length > 0 ? exact : told,
    before: before?.inputs,
    after: after?.inputs,
    live: before?.outputs,
    drifted: drifted?.has(urn),
  };
}

/** A path in the engine's spelling: `spec.containers[0].image`, `data["postgresql.conf"]`. */
export function parsePath(path: string): PropertyPath {
  const parts = path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g);
  return [...parts].map(([, index, quoted, plain]) =>
    index === undefined ? (quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "") : Number(index),
  );
}
