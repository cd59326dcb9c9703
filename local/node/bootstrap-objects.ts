import type { Api } from "./api";

/** What the node needs in its API beyond what Kubernetes makes itself: the right of CoreDNS to read names. */
export async function applyBootstrapObjects(api: Api): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const name = "system:coredns";
  const read = ["list", "watch"];
  await api.apply(`${rbac}/clusterroles/${name}`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules: [
      { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: read },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
    ],
  });
  await api.apply(`${rbac}/clusterrolebindings/${name}`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }],
  });
}
