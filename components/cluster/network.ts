import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
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
