import type { EngineEvent } from "@pulumi/pulumi/automation";
import { pathsOf, withoutColours } from "../pulumi/engine-events";
import { at, listAt, parseJson, textAt } from "../tools/json";

/** A resource on one side of a step. */
export interface StepState {
  custom: boolean;
  retainOnDelete: boolean;
  inputs: unknown;
  outputs: unknown;
}

/** One step of a plan, as the engine's events and the output of `pulumi preview --json` both have it. */
export interface PlanStep {
  /** `create`, `update`, `same` and so on. */
  op: string;
  urn: string;
  type: string;
  /** Paths of the properties that differ, in the engine's spelling. */
  paths: string[];
  before: StepState | undefined;
  after: StepState | undefined;
}

/** The steps of a plan and what is known beside them. */
export interface PlanSteps {
  steps: PlanStep[];
  unchanged: number;
  /** URNs of the resources that a refresh found changed; undefined where the plan does not tell. */
  drifted: ReadonlySet<string> | undefined;
  /** What the program or a provider says against the plan. */
  errors: string[];
}

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

/** A step as an event announces it. */
export function stepOfEvent({ op, urn, type, detailedDiff, diffs, keys, old, new: now }: Metadata): PlanStep {
  return { op, urn, type, paths: pathsOf(detailedDiff, diffs, keys), before: stateOf(old), after: stateOf(now) };
}

/**
 * A plan that `pulumi preview --json` printed.
 * @returns undefined for a text that is none.
 */
export function readPlan(text: string): PlanSteps | undefined {
  let plan: unknown;
  try {
    plan = parseJson(text);
  } catch {
    return undefined;
  }
  const steps = listAt(plan, "steps").map(stepOfJson);
  if (steps.some(({ urn, op }) => urn === "" || op === "")) return undefined;
  const errors = errorsOf(listAt(plan, "diagnostics"));
  // A plan counts what stays the same; one that failed does not get that far.
  if (at(plan, "changeSummary") === undefined && errors.length === 0) return undefined;
  const same = at(plan, "changeSummary", "same");
  return {
    steps,
    unchanged: typeof same === "number" ? same : 0,
    drifted: undefined,
    errors,
  };
}

/** What went wrong, each once; that something did only where nothing says more. */
function errorsOf(diagnostics: readonly unknown[]): string[] {
  const errors = [...new Set(diagnostics.map(errorOf))].filter((error) => error !== "");
  const telling = errors.filter((error) => !/^(update|preview) failed$/.test(error));
  return telling.length > 0 ? telling : errors;
}

/** The words of an error; empty for what is none. */
function errorOf(diagnostic: unknown): string {
  if (textAt(diagnostic, "severity") !== "error") return "";
  const words = withoutColours(textAt(diagnostic, "message") ?? "").replace(/^(error: )+/, "");
  return words;
}

function stepOfJson(step: unknown): PlanStep {
  const urn = textAt(step, "urn") ?? "";
  const [before, after] = [at(step, "oldState"), at(step, "newState")];
  return {
    op: textAt(step, "op") ?? "",
    urn,
    type: textAt(after, "type") ?? textAt(before, "type") ?? "",
    paths: pathsOf(at(step, "detailedDiff"), listAt(step, "diffReasons"), listAt(step, "replaceReasons")),
    before: stateOf(before),
    after: stateOf(after),
  };
}

function stateOf(state: unknown): StepState | undefined {
  if (typeof state !== "object" || state === null) return undefined;
  return {
    custom: at(state, "custom") === true,
    retainOnDelete: at(state, "retainOnDelete") === true,
    inputs: at(state, "inputs"),
    outputs: at(state, "outputs"),
  };
}
