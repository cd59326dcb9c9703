import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { configData, scripts } from "../postgres/config";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/** What the pods mount beside their Secret: their settings, and the scripts they run. */
export function createConfigMaps(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): k8s.core.v1.ConfigMap[] {
  const configMap = (child: string, name: string, data: Record<string, string>): k8s.core.v1.ConfigMap =>
    new k8s.core.v1.ConfigMap(
      childName(child),
      { metadata: { name, namespace: spec.namespace, labels: spec.labels }, data },
      { parent, dependsOn },
    );
  return [
    configMap("config", spec.names.configMap, configData(spec)),
    configMap("scripts", spec.names.scriptsConfigMap, scripts()),
  ];
}
