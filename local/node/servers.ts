import { join } from "node:path";
import { findCommand } from "../tools/debian";
import { LocalError } from "../tools/run";
import type { Tools } from "../tools/tools";
import type { ConfigFiles } from "./config-files";
import type { Server } from "./processes";
import { apiPort, containerdSocket, type Network, nodeName, type Paths, policyQueue } from "./settings";

/** The servers of the node, by name. */
export type ServerName =
  | "etcd"
  | "containerd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubelet"
  | "kube-proxy"
  | "coredns"
  | "network-policies";

const etcdPort = 2379;
/** Milliseconds the API server gets to end. */
export const apiServerGraceMs = 2_000;

/** What to start, with which options. */
export function servers(
  { kubernetes, networkPolicies }: Tools,
  paths: Paths,
  network: Network,
  files: ConfigFiles,
): Record<ServerName, Server> {
  const certificate = (name: string): string => join(paths.certificates, name);
  const own = (name: ServerName, args: string[], configFiles: string[] = []): Server => ({
    name,
    command: join(kubernetes, name),
    args,
    configFiles,
  });
  const debian = (name: ServerName, args: string[], configFiles: string[] = []): Server => ({
    name,
    command: installed(name),
    args,
    configFiles,
  });
  const ca = certificate("ca.crt");
  const etcdUrl = `https://${network.address}:${etcdPort}`;
  const peerUrl = `https://${network.address}:${etcdPort + 1}`;
  return {
    etcd: debian("etcd", [
      "--name=local",
      `--data-dir=${paths.etcd}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      // One member has no peers; the port is opened all the same, so it asks for a certificate too.
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=local=${peerUrl}`,
      "--peer-client-cert-auth=true",
      `--peer-trusted-ca-file=${ca}`,
      `--peer-cert-file=${certificate("etcd.crt")}`,
      `--peer-key-file=${certificate("etcd.key")}`,
      "--client-cert-auth=true",
      `--trusted-ca-file=${ca}`,
      `--cert-file=${certificate("etcd.crt")}`,
      `--key-file=${certificate("etcd.key")}`,
      // It is alone, so it need not wait long for others before it elects itself.
      "--heartbeat-interval=100",
      "--election-timeout=500",
      "--snapshot-count=10000",
      "--log-level=warn",
      "--logger=zap",
    ]),
    containerd: debian("containerd", [`--config=${files.containerd}`, "--log-level=warn"], [files.containerd]),
    "kube-apiserver": {
      // All it knows is in etcd; it would wait for clients that hold a watch open.
      graceMs: apiServerGraceMs,
      ...own("kube-apiserver", [
        `--bind-address=${network.address}`,
        `--advertise-address=${network.address}`,
        `--secure-port=${apiPort}`,
        `--etcd-servers=${etcdUrl}`,
        `--etcd-cafile=${ca}`,
        `--etcd-certfile=${certificate("admin.crt")}`,
        `--etcd-keyfile=${certificate("admin.key")}`,
        `--service-cluster-ip-range=${network.serviceRange}`,
        `--client-ca-file=${ca}`,
        `--tls-cert-file=${certificate("server.crt")}`,
        `--tls-private-key-file=${certificate("server.key")}`,
        `--kubelet-certificate-authority=${ca}`,
        `--kubelet-client-certificate=${certificate("admin.crt")}`,
        `--kubelet-client-key=${certificate("admin.key")}`,
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        `--service-account-key-file=${certificate("service-account.key")}`,
        `--service-account-signing-key-file=${certificate("service-account.key")}`,
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--anonymous-auth=false",
        "--allow-privileged=true",
        "--profiling=false",
        // Fair queueing between many clients costs idle work and helps nobody on one node.
        "--enable-priority-and-fairness=false",
      ]),
    },
    "kube-controller-manager": own("kube-controller-manager", [
      `--kubeconfig=${certificate("controller-manager.kubeconfig")}`,
      `--bind-address=${network.address}`,
      "--leader-elect=false",
      "--use-service-account-credentials=true",
      `--service-account-private-key-file=${certificate("service-account.key")}`,
      `--root-ca-file=${ca}`,
      `--cluster-signing-cert-file=${ca}`,
      `--cluster-signing-key-file=${certificate("ca.key")}`,
      "--pvclaimbinder-sync-period=2s",
      "--kube-api-qps=200",
      "--kube-api-burst=400",
      "--profiling=false",
    ]),
    "kube-scheduler": own("kube-scheduler", [
      `--kubeconfig=${certificate("scheduler.kubeconfig")}`,
      `--bind-address=${network.address}`,
      "--leader-elect=false",
      "--kube-api-qps=200",
      "--kube-api-burst=400",
      "--profiling=false",
    ]),
    kubelet: own(
      "kubelet",
      [
        `--config=${files.kubelet}`,
        `--kubeconfig=${certificate("kubelet.kubeconfig")}`,
        `--root-dir=${paths.kubelet}`,
        `--cert-dir=${join(paths.kubelet, "pki")}`,
        `--hostname-override=${nodeName}`,
        `--node-ip=${network.address}`,
        "--v=1",
      ],
      [files.kubelet],
    ),
    "kube-proxy": own("kube-proxy", [`--config=${files.proxy}`, `--hostname-override=${nodeName}`], [files.proxy]),
    coredns: own("coredns", [`-conf=${files.corefile}`], [files.corefile]),
    "network-policies": {
      name: "network-policies",
      command: networkPolicies,
      args: [
        `-kubeconfig=${certificate("network-policies.kubeconfig")}`,
        `-runtime=${containerdSocket}`,
        `-pod-range=${network.podRange}`,
        `-node=${nodeName}`,
        `-queue=${policyQueue}`,
      ],
    },
  };
}

function installed(name: string): string {
  const command = findCommand(name);
  if (command !== undefined) return command;
  throw new LocalError(`The node needs the command ${name}, which is not installed. Start with: npm run up`);
}
