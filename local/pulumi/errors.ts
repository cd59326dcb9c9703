import { RunError } from "@pulumi/pulumi";
import { LocalError } from "../tools/run";

/** What a command's exit code says. */
const exitCodes = {
  /** Done, or nothing to do. */
  done: 0,
  /** Refused or failed; the message says why. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** Pods cannot become ready; the message has their last words. */
  pods: 3,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** Pods will not become ready by themselves; the update was ended. */
export class PodsError extends LocalError {}

/** The person asked to stop. */
export class InterruptedError extends LocalError {}

/** The command line was not understood. */
export class UsageError extends LocalError {}

/** Whether an error's message is made for people and tells all. */
export const isExplained = (error: unknown): error is Error =>
  error instanceof LocalError || RunError.isInstance(error);

/** @param command what was run: codes of a verdict say what would change, so anything wrong is 1 there. */
export function exitCodeOf(error: unknown, command?: string): number {
  const judges = command === "preview" || command === "verdict";
  if (judges && !(error instanceof InterruptedError)) return exitCodes.failed;
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof PodsError) return exitCodes.pods;
  if (error instanceof InterruptedError) return exitCodes.interrupted;
  return exitCodes.failed;
}
