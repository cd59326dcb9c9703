import * as core from "@pulumi/kubernetes/core/v1";
import * as networking from "@pulumi/kubernetes/networking/v1";
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
): core.Service[] {
  const options = { parent, dependsOn };
  return [
    new core.Service(childName("headless-service"), headlessService(spec), options),
    new core.Service(childName("primary-service"), primaryService(spec), options),
  ];
}

/** What keeps others from the pods, and the pods from others. None where it is not wanted. */
export function createNetworkPolicy(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): networking.NetworkPolicy[] {
  if (!spec.networkPolicy.enabled) return [];
  const options = { parent, dependsOn };
  return [new networking.NetworkPolicy(childName("network-policy"), networkPolicy(spec), options)];
}
