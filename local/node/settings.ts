import { join } from "node:path";
import { nodeHome } from "../tools/home";

/** Addresses of the node, all derived from the first two numbers of one private /16. */
export interface Network {
  /** The /16 as two numbers, for example "10.213". */
  prefix: string;
  /** The node's own address, held by a bridge: API server, kubelet, etcd and DNS listen here and nowhere else. */
  address: string;
  /** Pods get addresses of this range. */
  podRange: string;
  /** Addresses of Services are virtual and in this range. */
  serviceRange: string;
  /** The Service `kubernetes`: the first address of the range, by Kubernetes' own rule. */
  apiService: string;
}

export const network = (prefix: string): Network => ({
  prefix,
  address: `${prefix}.255.1`,
  podRange: `${prefix}.0.0/20`,
  serviceRange: `${prefix}.128.0/20`,
  apiService: `${prefix}.128.1`,
});

/** Tried in this order; the first that no route of the machine touches is taken. Rarely used by VPNs and container engines. */
export const networkChoices: readonly string[] = ["10.213", "10.187", "10.239", "172.29", "172.23"];

export const clusterDomain = "cluster.local";
/** Name of the node and value of its label kubernetes.io/hostname. */
export const nodeName = "local";
/** Device that holds the node's address; the CNI network has its name too. */
export const bridgeName = "kpg0";
/** Table of the rules that let pods reach the outside. */
export const nftTable = "kubernetes-postgres";
/** Marks the rules of iptables that the node makes, so that exactly they are removed. */
export const ruleComment = "kubernetes-postgres";
export const apiPort = 6443;
/** Number of the kernel's queue in which new connections of pods wait for their NetworkPolicies. */
export const policyQueue = 5432;

/** State that must not outlive a reboot: sockets, pids, mounts of containers, leases of pod addresses. */
export const runFolder = "/run/kubernetes-postgres";
export const containerdSocket = join(runFolder, "containerd.sock");

/** Where things of the node lie. */
export const paths = () => {
  const base = nodeHome();
  return {
    base,
    certificates: join(base, "certificates"),
    config: join(base, "config"),
    logs: join(base, "logs"),
    etcd: join(base, "etcd"),
    kubelet: join(base, "kubelet"),
    containerd: join(base, "containerd"),
    volumes: join(base, "volumes"),
    network: join(base, "network.json"),
    kubeconfig: join(base, "kubeconfig"),
  };
};

export type Paths = ReturnType<typeof paths>;
