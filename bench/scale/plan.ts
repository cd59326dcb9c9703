import type { PostgresClusterArgs } from "../../components/postgres/args";
import { claimName, persistentVolumeClaim } from "../../components/postgres/claims";
import { configData, scripts } from "../../components/postgres/config";
import { headlessService, primaryService } from "../../components/postgres/services";
import { clusterSpec } from "../../components/postgres/spec";
import { podDisruptionBudget, statefulSet } from "../../components/postgres/stateful-set";
import { storageClass } from "../../components/postgres/storage-class";
import { clusterProblems } from "../../components/postgres/validate";

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
  return [
    configData(spec),
    scripts(),
    headlessService(spec),
    primaryService(spec),
    statefulSet(spec),
    podDisruptionBudget(spec),
    spec.storageClass && storageClass(spec.storageClass, spec.labels),
    ...Array.from({ length: spec.replicas }, (_, ordinal) => [
      claimName(spec, ordinal),
      persistentVolumeClaim(spec, ordinal),
    ]),
  ];
}
