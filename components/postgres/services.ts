import type { types } from "@pulumi/kubernetes";
import { postgresPort } from "./names";
import type { ClusterSpec } from "./spec";

const ports: types.input.core.v1.ServicePort[] = [{ name: "postgresql", port: postgresPort, targetPort: "postgresql" }];

/** Gives each pod its own DNS name, also before it is ready: a replica must find the primary to become ready. */
export function headlessService(spec: ClusterSpec): types.input.core.v1.Service {
  return {
    metadata: { name: spec.names.headlessService, namespace: spec.namespace, labels: { ...spec.labels } },
    spec: { clusterIP: "None", publishNotReadyAddresses: true, selector: { ...spec.selector }, ports },
  };
}

/**
 * One address for reads and writes: the pod with ordinal 0. It is published even while not ready, since no other
 * pod could answer: clients reach a restarted primary the moment it listens, not a probe period later.
 */
export function primaryService(spec: ClusterSpec): types.input.core.v1.Service {
  return {
    metadata: {
      name: spec.names.primaryService,
      namespace: spec.namespace,
      labels: { ...spec.labels },
      // The StatefulSet's own wait covers it; waiting here too would only report the same trouble twice.
      annotations: {
        "pulumi.com/skipAwait": "true",
        // It knows only the labels of the template, not the one of the pod's name.
        "kube-score/ignore": "service-targets-pod",
      },
    },
    spec: {
      publishNotReadyAddresses: true,
      selector: { ...spec.selector, "statefulset.kubernetes.io/pod-name": `${spec.names.statefulSet}-0` },
      ports,
    },
  };
}
