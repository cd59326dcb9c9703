import { at, listAt, parseJson, textAt } from "../tools/json";

/** An operation the engine began and never saw the end of. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`. */
  type: string;
  urn: string;
}

/** A state without its pending operations, and which they were. */
export interface HealedState {
  deployment: unknown;
  removed: PendingOperation[];
}

/**
 * Forgets operations that a killed engine did not finish; the next update then does them again. That is safe for what
 * this program makes: objects have fixed names and are applied, so an object that did come into being is taken over,
 * and a password that was not stored has reached nobody. A key that AWS made unseen encrypts nothing.
 */
export function withoutPendingOperations(deployment: unknown): HealedState {
  const pending = listAt(deployment, "pending_operations");
  if (typeof deployment !== "object" || deployment === null || pending.length === 0) return { deployment, removed: [] };
  const removed = pending.map((operation) => ({
    type: textAt(operation, "type") ?? "changing",
    urn: textAt(operation, "resource", "urn") ?? "a resource",
  }));
  return { deployment: { ...deployment, pending_operations: [] }, removed };
}

/** Pending operations of a checkpoint file's text; an empty list for anything unreadable. */
export function pendingOperations(checkpoint: string): PendingOperation[] {
  try {
    return withoutPendingOperations(at(parseJson(checkpoint), "checkpoint", "latest")).removed;
  } catch {
    return [];
  }
}

/** The last part of a URN: the resource's name. */
export const nameOfUrn = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** The kind of a resource, without package and module: `kubernetes:apps/v1:StatefulSet` is `StatefulSet`. */
export const kindOfType = (type: string): string => type.slice(type.lastIndexOf(":") + 1);
