import * as core from "@pulumi/kubernetes/core/v1";
import type * as pulumi from "@pulumi/pulumi";
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
