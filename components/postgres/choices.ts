import { clouds, type PostgresClusterArgs, podManagementPolicies, updateStrategies, workloads } from "./args";
import { type Problem, when } from "./problem";
import { tlsModes } from "./tls/args";

/** What no choice is; a program in another language can write anything for one. All else depends on them. */
export function choiceProblems(args: PostgresClusterArgs): Problem[] {
  const asked: [string, string | undefined, readonly string[]][] = [
    ["cloud", args.cloud, clouds],
    ["workload", args.workload, workloads],
    ["podManagementPolicy", args.podManagementPolicy, podManagementPolicies],
    ["tls.mode", args.tls?.mode, tlsModes],
    ["updateStrategy.type", args.updateStrategy?.type, updateStrategies],
  ];
  return asked.flatMap(([setting, value, choices]) =>
    when(value !== undefined && !choices.includes(value), {
      setting,
      asked: `${value}`,
      why: "It is not one of the choices.",
      fix: `Use one of: ${choices.join(", ")}.`,
    }),
  );
}
