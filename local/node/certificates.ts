import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOrThrow } from "../tools/run";
import { apiPort, clusterDomain, type Network, nodeName, type Paths } from "./settings";

/** One client or server of the node. */
interface Identity {
  file: string;
  /** Kubernetes' user name. */
  commonName: string;
  /** Kubernetes' group. */
  organization?: string;
  /** Names and addresses it serves under. */
  alternativeNames?: string;
}

/** Users of the API server, each with a kubeconfig. */
export const clients = [
  "admin",
  "controller-manager",
  "scheduler",
  "proxy",
  "kubelet",
  "coredns",
  "network-policies",
] as const;
export type Client = (typeof clients)[number];

/** Certificates outlive any use of a development node; a new one is made with `local:stop` and deleted data. */
const validDays = "3650";

function identities(network: Network): Identity[] {
  const api = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${clusterDomain}`];
  const names = [...api, "localhost"].map((name) => `DNS:${name}`);
  const addresses = [network.address, network.apiService, "127.0.0.1"].map((address) => `IP:${address}`);
  return [
    { file: "server", commonName: "kube-apiserver", alternativeNames: [...names, ...addresses].join(",") },
    { file: "etcd", commonName: "etcd", alternativeNames: `IP:${network.address}` },
    { file: "kubelet-server", commonName: nodeName, alternativeNames: `DNS:${nodeName},IP:${network.address}` },
    { file: "admin", commonName: "admin", organization: "system:masters" },
    { file: "controller-manager", commonName: "system:kube-controller-manager" },
    { file: "scheduler", commonName: "system:kube-scheduler" },
    { file: "proxy", commonName: "system:kube-proxy" },
    { file: "kubelet", commonName: `system:node:${nodeName}`, organization: "system:nodes" },
    { file: "coredns", commonName: "system:coredns" },
    { file: "network-policies", commonName: "system:network-policies" },
  ];
}

/**
 * Makes what is missing: an authority, a certificate for each identity, the key that signs service account tokens. A node
 * that an earlier version made gets the identities that are new.
 */
export async function ensureCertificates(paths: Paths, network: Network): Promise<void> {
  const folder = paths.certificates;
  const done = join(folder, `complete-${network.prefix}`);
  const openssl = (...args: string[]): Promise<string> => runOrThrow("openssl", args, { cwd: folder });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const authority = ["-days", validDays, "-subj", "/CN=kubernetes-postgres", "-keyout", "ca.key", "-out", "ca.crt"];
    await openssl("req", "-x509", ...key, ...authority, "-addext", "keyUsage=critical,keyCertSign,cRLSign");
    await openssl("genrsa", "-out", "service-account.key", "2048");
  }
  const missing = identities(network).filter(({ file }) => !existsSync(join(folder, `${file}.crt`)));
  for (const identity of missing) {
    const { file, commonName, organization, alternativeNames } = identity;
    const subject = `${organization === undefined ? "" : `/O=${organization}`}/CN=${commonName}`;
    const extensions = [
      "keyUsage=critical,digitalSignature",
      "extendedKeyUsage=serverAuth,clientAuth",
      ...(alternativeNames === undefined ? [] : [`subjectAltName=${alternativeNames}`]),
    ].flatMap((extension) => ["-addext", extension]);
    const signed = ["-x509", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", validDays];
    const files = ["-keyout", `${file}.key`, "-out", `${file}.crt`];
    await openssl("req", ...signed, ...key, "-subj", subject, ...extensions, ...files);
    chmodSync(join(folder, `${file}.key`), 0o600);
  }
  for (const client of clients.filter((name) => missing.some(({ file }) => file === name)))
    writeKubeconfig(join(folder, `${client}.kubeconfig`), folder, client, network);
  if (existsSync(done)) return;
  writeKubeconfig(paths.kubeconfig, folder, "admin", network);
  writeFileSync(done, "");
}

function writeKubeconfig(path: string, folder: string, client: Client, network: Network): void {
  const data = (file: string): string => readFileSync(join(folder, file)).toString("base64");
  const name = "kubernetes-postgres-local";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [
      {
        name,
        cluster: {
          server: `https://${network.address}:${apiPort}`,
          "certificate-authority-data": data("ca.crt"),
        },
      },
    ],
    users: [
      {
        name: client,
        user: {
          "client-certificate-data": data(`${client}.crt`),
          "client-key-data": data(`${client}.key`),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: client } }],
  };
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}
