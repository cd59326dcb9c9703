import { RunError } from "@pulumi/pulumi";
import { formatProblems, type Problem } from "./postgres/problem";

/** Settings that cannot work. Pulumi shows the message alone, without a stack trace. */
export class SettingsError extends RunError {
  constructor(readonly problems: readonly Problem[]) {
    super(formatProblems([...problems]));
  }
}
