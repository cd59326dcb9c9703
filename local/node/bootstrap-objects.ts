import type { Api } from "./api";
import { nodeName } from "./settings";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** What the node needs in its API beyond what Kubernetes makes itself: rights of three of its servers. */
export async function applyBootstrapObjects(api: Api): Promise<void> {
  await allow(api, "system:coredns", "system:coredns", [
    { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ]);
  await allow(api, "system:network-policies", "system:network-policies", [
    { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["list", "watch"] },
    { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["list", "watch"] },
  ]);
  // The node authorizer allows the kubelet what its pods use, but learns of a new pod at the same moment as the kubelet
  // does. Where the kubelet is faster it is refused, and tries again only seconds later: a pod that starts 13 s late.
  await allow(api, `system:node:${nodeName}`, `kubernetes-postgres:node:${nodeName}`, [
    { apiGroups: [""], resources: ["persistentvolumeclaims", "pods"], verbs: ["get"] },
    { apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["get", "list", "watch"] },
  ]);
}

/** Gives a user rights in the whole cluster. */
async function allow(api: Api, user: string, name: string, rules: Rule[]): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const group = "rbac.authorization.k8s.io";
  const common = { apiVersion: `${group}/v1`, metadata: { name } };
  await api.apply(`${rbac}/clusterroles/${name}`, { ...common, kind: "ClusterRole", rules });
  await api.apply(`${rbac}/clusterrolebindings/${name}`, {
    ...common,
    kind: "ClusterRoleBinding",
    roleRef: { apiGroup: group, kind: "ClusterRole", name },
    subjects: [{ apiGroup: group, kind: "User", name: user }],
  });
}
