/** A NetworkPolicy as the API server stores it; addresses (ipBlock) are never used here. */
export interface Policy {
  metadata: { namespace: string };
  spec: {
    podSelector: Selector;
    policyTypes?: string[];
    ingress?: { from?: Peer[]; ports?: Port[] }[];
    egress?: { to?: Peer[]; ports?: Port[] }[];
  };
}

interface Selector {
  matchLabels?: Labels;
}

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
}

interface Port {
  protocol?: string;
  port?: number;
}

export type Labels = Record<string, string>;

export interface Pod {
  namespace: string;
  labels: Labels;
}

/** A pod, or a machine that is none: outside of the Kubernetes cluster, or a server that a node runs itself. */
export type End = Pod | "no pod";

export interface Connection {
  from: End;
  to: End;
  port: number;
  protocol: "TCP" | "UDP";
}

/** What a Kubernetes cluster with these policies does, by the words of Kubernetes' own documentation of NetworkPolicy. */
export class Network {
  constructor(
    /** Labels of each namespace, without the one that has its name. */
    private readonly namespaces: Record<string, Labels>,
    private readonly policies: readonly Policy[],
  ) {
    const unknown = policies.filter((policy) => /ipBlock|matchExpressions|endPort/.test(JSON.stringify(policy)));
    if (unknown.length > 0) throw new Error("the simulator knows no ipBlock, matchExpressions and endPort");
  }

  /** Both sides have to allow a connection; answers to it need no rule. */
  allows(connection: Connection): boolean {
    const { from, to } = connection;
    return (
      this.admits(
        "Egress",
        from,
        (policy) => policy.spec.egress?.map(({ to: peers, ports }) => ({ peers, ports })),
        to,
        connection,
      ) &&
      this.admits(
        "Ingress",
        to,
        (policy) => policy.spec.ingress?.map(({ from: peers, ports }) => ({ peers, ports })),
        from,
        connection,
      )
    );
  }

  /** A pod that no policy selects for a direction is open in it; one that is selected is closed but for the rules of all of them. */
  private admits(
    direction: "Ingress" | "Egress",
    pod: End,
    rulesOf: (policy: Policy) => { peers: Peer[] | undefined; ports: Port[] | undefined }[] | undefined,
    other: End,
    connection: Connection,
  ): boolean {
    if (pod === "no pod") return true;
    const isolating = this.policies.filter(
      (policy) =>
        policy.metadata.namespace === pod.namespace &&
        selects(policy.spec.podSelector, pod.labels) &&
        typesOf(policy).includes(direction),
    );
    if (isolating.length === 0) return true;
    return isolating.some((policy) =>
      (rulesOf(policy) ?? []).some(
        ({ peers, ports }) => this.hasPeer(policy, peers, other) && hasPort(ports, connection),
      ),
    );
  }

  /** A missing or empty list is everybody, pods or not. */
  private hasPeer(policy: Policy, peers: Peer[] | undefined, other: End): boolean {
    if (peers === undefined || peers.length === 0) return true;
    if (other === "no pod") return false;
    return peers.some(
      ({ podSelector, namespaceSelector }) =>
        (podSelector === undefined || selects(podSelector, other.labels)) &&
        (namespaceSelector === undefined
          ? other.namespace === policy.metadata.namespace
          : selects(namespaceSelector, this.labelsOf(other.namespace))),
    );
  }

  private labelsOf(namespace: string): Labels {
    return { ...this.namespaces[namespace], "kubernetes.io/metadata.name": namespace };
  }
}

/** An empty selector selects all. */
const selects = ({ matchLabels = {} }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value);

/** Ingress is always meant where no type is given. */
const typesOf = ({ spec }: Policy): string[] =>
  spec.policyTypes ?? ["Ingress", ...(spec.egress === undefined ? [] : ["Egress"])];

/** A missing or empty list is every port; a missing protocol is TCP. */
const hasPort = (ports: Port[] | undefined, { port, protocol }: Connection): boolean =>
  ports === undefined ||
  ports.length === 0 ||
  ports.some((one) => (one.protocol ?? "TCP") === protocol && (one.port === undefined || one.port === port));
