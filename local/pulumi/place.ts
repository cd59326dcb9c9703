import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Problem } from "../../components/postgres/problem";
import type { ClusterSpec } from "../../components/postgres/spec";
import { npmLine } from "../npm-line";
import { parseJson } from "../tools/json";
import { writeWhole } from "../tools/whole-file";
import { type Place, readPlace, readState } from "./deployed-state";
import type { StackPaths } from "./paths";

export const placeOf = ({ namespace, names }: ClusterSpec): Place => ({ namespace, name: names.statefulSet });

const noteIn = (work: string): string => join(work, "place.json");

const isSame = (one: Place, other: Place): boolean => one.namespace === other.namespace && one.name === other.name;

/** Notes where a stack's data is: that outlives `down`, after which the state knows nothing of it. */
export function notePlace({ work }: StackPaths, place: Place): void {
  writeWhole(noteIn(work), JSON.stringify(place));
}

/** Once there is no data of it any more. */
export function forgetPlace({ work }: StackPaths): void {
  rmSync(noteIn(work), { force: true });
}

/** What was noted; undefined where nothing was, as by an earlier version. */
export function notedPlace({ work }: Pick<StackPaths, "work">): Place | undefined {
  return existsSync(noteIn(work)) ? readPlace(parseJson(readFileSync(noteIn(work), "utf8"))) : undefined;
}

/** The other stacks of this machine, on the same Kubernetes cluster, whose cluster or data is at a place. */
export function othersAt(place: Place, { work, checkpoint }: StackPaths): string[] {
  const folder = dirname(work);
  return readdirSync(folder)
    .filter((stack) => stack !== basename(work))
    .filter((stack) => {
      const state = join(dirname(checkpoint), `${stack}.json`);
      const deployed = existsSync(state) ? readState(readFileSync(state, "utf8"))?.place : undefined;
      const known = deployed ?? notedPlace({ work: join(folder, stack) });
      return known !== undefined && isSame(known, place);
    });
}

/** Why a stack may not have its cluster where its settings say: another one has its own there. */
export function takenPlace(place: Place, others: readonly string[]): Problem[] {
  return others.slice(0, 1).map((other) => ({
    setting: "namespace",
    asked: place.namespace,
    why: `Stack ${other} has its cluster ${place.name} or its data there. Two stacks would undo each other's changes, and down of one would take the other's pods.`,
    fix: `Choose another namespace or another name, or use that stack: ${npmLine("up", other)}.`,
  }));
}

/**
 * Why the data is not deleted where the settings say: the stack was deployed elsewhere, and what is there is not its own.
 * @param deployed where it was deployed; undefined where nobody knows, and so nothing is deleted.
 */
export function movedPlace(place: Place, deployed: Place = place): Problem[] {
  return (["namespace", "name"] as const)
    .filter((setting) => place[setting] !== deployed[setting])
    .map((setting) => ({
      setting,
      asked: place[setting],
      why: `The stack was deployed with ${deployed[setting]}: the data with ${place[setting]} is not its own.`,
      fix: `Set it back to ${deployed[setting]}.`,
    }));
}
