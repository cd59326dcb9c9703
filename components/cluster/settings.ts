import * as core from "@pulumi/kubernetes/core/v1";
import type * as pulumi from "@pulumi/pulumi";
import { configData, scripts } from "../postgres/config";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/** What the pods mount beside their Secret: their settings, and the scripts they run. */
export function createConfigMaps(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): core.ConfigMap[] {
  const configMap = (child: string, name: string, data: Record<string, string>): core.ConfigMap =>
    new core.ConfigMap(
      childName(child),
      { metadata: { name, namespace: spec.namespace, labels: spec.labels }, data },
      { parent, dependsOn },
    );
  return [
    configMap("config", spec.names.configMap, configData(spec)),
    configMap("scripts", spec.names.scriptsConfigMap, scripts()),
  ];
}
