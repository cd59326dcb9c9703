import type { PostgresClusterArgs } from "../../components/postgres/args";
import { persistentVolumeClaim } from "../../components/postgres/claims";
import { scripts } from "../../components/postgres/config";
import { clusterSpec } from "../../components/postgres/spec";
import { clusterProblems } from "../../components/postgres/validate";
import { objectsOf } from "../../components/postgres/verdict/objects";

/** Prod, one of many: they differ in more than their names, as those of a team do. */
export const cluster = (index: number): PostgresClusterArgs => ({
  name: `cluster-${index}`,
  namespace: `team-${index}`,
  cloud: "aws",
  workload: "production",
  storageSize: `${100 + (index % 10) * 10}Gi`,
  resources: { limits: { cpu: "1", memory: `${2 + (index % 4)}Gi` } },
  parameters: { idle_in_transaction_session_timeout: "5min" },
});

/** From the settings of so many clusters to their objects of Kubernetes, without any engine. */
export const plans = (count: number): unknown[][] => Array.from({ length: count }, (_, index) => plan(index));

function plan(index: number): unknown[] {
  const args = cluster(index);
  if (clusterProblems(args).length > 0) throw new Error("the settings cannot work");
  const spec = clusterSpec(args);
  const claims = Array.from({ length: spec.replicas }, (_, ordinal) => persistentVolumeClaim(spec, ordinal));
  return [...objectsOf(spec), scripts(), ...claims];
}
