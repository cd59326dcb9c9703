import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterDomain, containerdSocket, type Network, type Paths, runFolder } from "./settings";

/** Configuration files that servers read; names relative to the node's config folder. */
export interface ConfigFiles {
  containerd: string;
  kubelet: string;
  proxy: string;
  corefile: string;
}

/** Image that holds a pod's namespaces; made by {@link ensureImages}. */
export const pauseImage = "localhost/pause:1";

/** Writes all configuration files, each only if it differs, and says where they are. */
export function writeConfigFiles(paths: Paths, network: Network): ConfigFiles {
  const files: ConfigFiles = {
    containerd: join(paths.config, "containerd.toml"),
    kubelet: join(paths.config, "kubelet.json"),
    proxy: join(paths.config, "kube-proxy.json"),
    corefile: join(paths.config, "Corefile"),
  };
  const cni = join(paths.config, "cni");
  mkdirSync(cni, { recursive: true });
  writeIfChanged(files.containerd, containerdConfig(paths, cni));
  writeIfChanged(files.kubelet, json(kubeletConfig(paths, network)));
  writeIfChanged(files.proxy, json(proxyConfig(paths, network)));
  writeIfChanged(files.corefile, corefile(paths, network));
  writeIfChanged(join(cni, "10-kubernetes-postgres.conflist"), json(cniConfig(network)));
  return files;
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

function writeIfChanged(path: string, content: string): void {
  try {
    if (readFileSync(path, "utf8") === content) return;
  } catch {
    // Not there yet.
  }
  writeFileSync(path, content);
}

/** containerd with folders and socket of its own, beside any other on the machine. */
const containerdConfig = (paths: Paths, cni: string): string => `version = 2
root = ${JSON.stringify(paths.containerd)}
state = ${JSON.stringify(join(runFolder, "containerd"))}
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = ${JSON.stringify(containerdSocket)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE no process may lower its score, and every sandbox would fail to start.
  restrict_oom_score_adj = true
  # Network namespaces are then found, and unmounted, together with the rest of the state.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${JSON.stringify(cni)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

/** Every pod has a veth of its own and a route: all traffic passes the host's netfilter, so Services need no bridge tricks. */
const cniConfig = (network: Network) => ({
  cniVersion: "0.4.0",
  name: "kubernetes-postgres",
  plugins: [
    {
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        dataDir: join(runFolder, "addresses"),
        ranges: [[{ subnet: network.podRange }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
  ],
});

const kubeletConfig = (paths: Paths, network: Network) => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  address: network.address,
  healthzBindAddress: network.address,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: false },
    x509: { clientCAFile: join(paths.certificates, "ca.crt") },
  },
  authorization: { mode: "AlwaysAllow" },
  tlsCertFile: join(paths.certificates, "kubelet-server.crt"),
  tlsPrivateKeyFile: join(paths.certificates, "kubelet-server.key"),
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  clusterDNS: [network.address],
  clusterDomain,
  resolvConf: "/etc/resolv.conf",
  // Works with cgroup v1 and v2 and without systemd.
  cgroupDriver: "cgroupfs",
  failCgroupV1: false,
  failSwapOn: false,
  // A developer's disk is often 90 % full, and images made here cannot be pulled again: never evict, never collect.
  evictionHard: {
    "memory.available": "100Mi",
    "nodefs.available": "0%",
    "imagefs.available": "0%",
    "nodefs.inodesFree": "0%",
  },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  // Needs CAP_SYS_RESOURCE otherwise.
  oomScoreAdj: 0,
  // A changed ConfigMap or Secret reaches the pod's files in a second or two rather than up to a minute.
  configMapAndSecretChangeDetectionStrategy: "Watch",
  syncFrequency: "10s",
  // One node, few pods: no need to save requests.
  kubeAPIQPS: 200,
  kubeAPIBurst: 400,
  eventRecordQPS: 50,
  eventBurst: 100,
  nodeStatusUpdateFrequency: "10s",
  serializeImagePulls: false,
  protectKernelDefaults: false,
  // Rules that only iptables-based proxies looked for; they would stay behind.
  makeIPTablesUtilChains: false,
  enableProfilingHandler: false,
});

const proxyConfig = (paths: Paths, network: Network) => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "nftables",
  clientConnection: { kubeconfig: join(paths.certificates, "proxy.kubeconfig"), qps: 50, burst: 100 },
  clusterCIDR: network.podRange,
  bindAddress: network.address,
  healthzBindAddress: `${network.address}:10256`,
  metricsBindAddress: `${network.address}:10249`,
  nodePortAddresses: [`${network.address}/32`],
  oomScoreAdj: 0,
  // The machine's connection table is its owner's.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  // Zero would mean the default, a second: that much longer no client reaches a pod that has come back.
  nftables: { syncPeriod: "30s", minSyncPeriod: "20ms" },
});

/** Names of the cluster from its API; other names from where the machine asks. A pod's new name is known within seconds. */
const corefile = (paths: Paths, network: Network): string => {
  const upstream = /^nameserver\s/m.test(readResolvConf()) ? "  forward . /etc/resolv.conf\n" : "";
  return `.:53 {
  bind ${network.address}
  errors
  ready ${network.address}:8181
  kubernetes ${clusterDomain} in-addr.arpa {
    kubeconfig ${join(paths.certificates, "coredns.kubeconfig")}
    ttl 5
  }
${upstream}  cache 5 {
    denial 1024 1
  }
}
`;
};

function readResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}
