import type { types } from "@pulumi/kubernetes";
import * as apps from "@pulumi/kubernetes/apps/v1";
import * as core from "@pulumi/kubernetes/core/v1";
import * as policy from "@pulumi/kubernetes/policy/v1";
import * as pulumi from "@pulumi/pulumi";
import { fixedFieldProblems, fixedFields, fixedFieldsOf } from "../postgres/fixed-fields";
import { nameOfLatch } from "../postgres/names";
import { readRecord, recordAnnotations, recordedFields, recordProblems } from "../postgres/record";
import type { ClusterSpec } from "../postgres/spec";
import { podDisruptionBudget, statefulSet as statefulSetOf } from "../postgres/stateful-set";
import { SettingsError } from "../settings-error";
import type { Place } from "./place";

export function createDisruptionBudget(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): policy.PodDisruptionBudget {
  const options = { parent, dependsOn };
  return new policy.PodDisruptionBudget(childName("pod-disruption-budget"), podDisruptionBudget(spec), options);
}

/** @param dependsOn all that the pods mount, and what leads to them. */
export function createStatefulSet(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): apps.StatefulSet {
  const options = { parent, dependsOn, protect: spec.protect, ignoreChanges: fixedFields };
  const made = new apps.StatefulSet(childName("stateful-set"), statefulSetOf(spec), options);
  made.status.apply((status) => sayHeld(spec, status, made));
  return made;
}

/**
 * Exists once the pods were first ready; from then on an empty primary volume is a loss and not a first start, and
 * scripts/rebuild.sh refuses it until `recoverPrimaryFrom` names a replica. Its annotations say what the data is.
 */
export function createLatch({ parent, childName }: Place, spec: ClusterSpec, pods: apps.StatefulSet): core.ConfigMap {
  const { namespace, labels } = spec;
  const metadata = { name: spec.names.latchConfigMap, namespace, labels, annotations: recordAnnotations(spec) };
  const data = { initialized: "This cluster has been ready once: its primary's volume must not be empty.\n" };
  // It lives as long as the volumes it guards.
  const lasting = { retainOnDelete: spec.keepVolumes, ignoreChanges: recordedFields(spec) };
  const options = { parent, dependsOn: pods, ...lasting };
  return new core.ConfigMap(childName("latch"), { metadata, data }, options);
}

/** A rollout that `updateStrategy` holds is not done when Pulumi is: it does not wait for it. */
async function sayHeld(
  { updateStrategy: { type, partition }, namespace, selector }: ClusterSpec,
  status: types.output.apps.v1.StatefulSetStatus | undefined,
  statefulSet: apps.StatefulSet,
): Promise<void> {
  if (pulumi.runtime.isDryRun() || status === undefined || (type !== "OnDelete" && partition === 0)) return;
  const strategy = type === "OnDelete" ? "updateStrategy.type OnDelete" : `updateStrategy.partition ${partition}`;
  const look = `kubectl get pods -n ${namespace} -l app=${selector.app} -L controller-revision-hash`;
  const words = `${strategy} keeps pods on an older revision, and Pulumi does not wait for the others. Which run what: ${look}`;
  await pulumi.log.warn(words, statefulSet);
}

/** What an update leaves alone must not go unnoticed. Rejects with a SettingsError, at preview already. */
export function demandKept(
  spec: ClusterSpec,
  statefulSet: apps.StatefulSet,
  latch: core.ConfigMap,
): pulumi.Output<void> {
  return pulumi.all([statefulSet.spec, latch.metadata]).apply(([live, { name, namespace, annotations }]) => {
    const kept = fixedFieldsOf(live);
    const record = { name: nameOfLatch(name), namespace, ...readRecord(annotations) };
    const changes = recordProblems(spec, record);
    // A class is named after the cluster: what follows from another name is no second mistake.
    const renamed = changes.some(({ setting }) => setting === "name" || setting === "namespace");
    const problems = [...changes, ...(kept === undefined || renamed ? [] : fixedFieldProblems(spec, kept))];
    if (problems.length > 0) throw new SettingsError(problems);
  });
}
