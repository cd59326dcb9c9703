import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { networkPolicy } from "../postgres/network-policy";
import { headlessService, primaryService } from "../postgres/services";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/** What leads to the pods. */
export function createServices(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): k8s.core.v1.Service[] {
  const options = { parent, dependsOn };
  return [
    new k8s.core.v1.Service(childName("headless-service"), headlessService(spec), options),
    new k8s.core.v1.Service(childName("primary-service"), primaryService(spec), options),
  ];
}

/** What keeps others from the pods, and the pods from others. None where it is not wanted. */
export function createNetworkPolicy(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): k8s.networking.v1.NetworkPolicy[] {
  if (!spec.networkPolicy.enabled) return [];
  const options = { parent, dependsOn };
  return [new k8s.networking.v1.NetworkPolicy(childName("network-policy"), networkPolicy(spec), options)];
}
