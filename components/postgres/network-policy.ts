import type { types } from "@pulumi/kubernetes";
import type { CompleteArgs, NetworkClientArgs, NetworkPolicyArgs } from "./args";
import { isNamespace, longestNamespace, postgresPort } from "./names";
import { type Problem, when } from "./problem";
import type { ClusterSpec } from "./spec";

type Peer = types.input.networking.v1.NetworkPolicyPeer;

/** Kubernetes gives it to every namespace; nobody can give it to another one. */
const nameLabel = "kubernetes.io/metadata.name";

/**
 * Who may connect to the pods, and where the pods may connect to: whatever is not named here is closed. Kubernetes itself
 * does not enforce it, the network of the cluster does; the kubelet of a pod's own node always reaches it.
 */
export function networkPolicy(spec: ClusterSpec): types.input.networking.v1.NetworkPolicy {
  const { names, namespace, labels, selector } = spec;
  const own: Peer = { podSelector: { matchLabels: { ...selector } } };
  const server = [{ protocol: "TCP", port: postgresPort }];
  // To any address: nothing selects a DNS server that runs on the nodes, as a node-local cache does and some clusters' only one.
  const dns = ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 }));
  return {
    metadata: { name: names.networkPolicy, namespace, labels: { ...labels } },
    spec: {
      podSelector: { matchLabels: { ...selector } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [own, ...spec.networkPolicy.clients.map(peer)], ports: server }],
      egress: [{ to: [own], ports: server }, { ports: dns }],
    },
  };
}

/** What an entry selects. Without a namespace selector Kubernetes means the policy's own namespace. */
function peer({ namespace, namespaceLabels, podLabels }: NetworkClientArgs): Peer {
  const places = { ...namespaceLabels, ...(namespace !== undefined && { [nameLabel]: namespace }) };
  return {
    ...(Object.keys(places).length > 0 && { namespaceSelector: { matchLabels: places } }),
    ...(podLabels !== undefined && { podSelector: { matchLabels: { ...podLabels } } }),
  };
}

/** Who may connect where there is no policy. */
export const everybody = "everybody";

/** Who may connect beside the cluster's own pods, in words. */
export function clientsText({ enabled, clients }: Required<NetworkPolicyArgs>): string {
  return enabled ? clients.map(clientText).join("; ") || "none" : everybody;
}

function clientText({ namespace, namespaceLabels, podLabels }: NetworkClientArgs): string {
  const pods = podLabels === undefined ? "all pods" : `pods ${labelsText(podLabels)}`;
  const places = [
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    ...(namespaceLabels === undefined ? [] : [`namespaces ${labelsText(namespaceLabels)}`]),
  ];
  return [pods, ...places].join(" of ");
}

const labelsText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

/** What cannot work about the clients, or would let in more than they say. */
export function networkPolicyProblems({ networkPolicy: { clients } }: CompleteArgs): Problem[] {
  return clients.flatMap((client, index) => {
    const setting = `networkPolicy.clients.${index}`;
    const { namespace, namespaceLabels, podLabels } = client;
    const other = namespaceLabels?.[nameLabel];
    return [
      ...when(
        [namespace, namespaceLabels, podLabels].every((part) => part === undefined),
        {
          setting,
          asked: "{}",
          why: "An entry that names nobody would let in every pod of every namespace.",
          fix: "Give it a namespace, namespaceLabels or podLabels, or take it out.",
        },
      ),
      ...when(namespace !== undefined && !isNamespace(namespace), {
        setting: `${setting}.namespace`,
        asked: namespace ?? "",
        why: `No namespace can have this name: at most ${longestNamespace} characters, only a-z, 0-9 and "-", neither starting nor ending with "-".`,
        fix: "Use a name that `kubectl get namespaces` lists; several namespaces are several entries, or have a label in common.",
      }),
      ...when(namespace !== undefined && other !== undefined && other !== namespace, {
        setting: `${setting}.namespaceLabels`,
        asked: `${nameLabel}=${other}`,
        why: `It is the name of another namespace than ${namespace}, and no namespace has both.`,
        fix: "Leave it out, or make two entries.",
      }),
      ...labelProblems(`${setting}.namespaceLabels`, namespaceLabels, "every namespace"),
      ...labelProblems(`${setting}.podLabels`, podLabels, "every pod"),
    ];
  });
}

const longestLabel = 63;
const longestPrefix = 253;
const labelName = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i;
const labelPrefix = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function labelProblems(setting: string, labels: Record<string, string> | undefined, all: string): Problem[] {
  if (labels === undefined) return [];
  const entries = Object.entries(labels);
  if (entries.length === 0) {
    const fix = "Name a label with its value, or leave it out.";
    return [{ setting, asked: "{}", why: `Labels that are none would select ${all}.`, fix }];
  }
  return entries.flatMap(([key, value]) => [
    ...when(!isLabelKey(key), {
      setting,
      asked: `${key}=${value}`,
      why: `No label has this key: it is at most ${longestLabel} letters, digits, "-", "_" and ".", starting and ending with a letter or a digit, perhaps after a DNS name and "/".`,
      fix: "Use a key like app or app.kubernetes.io/name, as `kubectl get --show-labels` shows it.",
    }),
    ...when(!isLabelValue(value), {
      setting,
      asked: `${key}=${value}`,
      why: `No label has this value: it is at most ${longestLabel} letters, digits, "-", "_" and ".", starting and ending with a letter or a digit.`,
      fix: "Use one value, as `kubectl get --show-labels` shows it; several values are several entries.",
    }),
  ]);
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const [prefix, name] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const hasPrefix = prefix === undefined || (labelPrefix.test(prefix) && prefix.length <= longestPrefix);
  return hasPrefix && labelName.test(name) && name.length <= longestLabel;
}

const isLabelValue = (value: string): boolean =>
  value === "" || (labelName.test(value) && value.length <= longestLabel);
