import { expect } from "chai";
import fc from "fast-check";
import { type NetworkClientArgs, type PostgresClusterArgs, withDefaults } from "../../components/postgres/args";
import { networkPolicy } from "../../components/postgres/network-policy";
import { formatProblems } from "../../components/postgres/problem";
import { clusterSpec } from "../../components/postgres/spec";
import { clusterProblems } from "../../components/postgres/validate";
import { parseSettings } from "../../stacks/settings";
import { type Connection, type End, type Labels, Network, type Pod, type Policy } from "./network-simulator";
import { asConfig, planOf } from "./plan";

const namespaces: Record<string, Labels> = {
  data: { team: "storage" },
  shop: { team: "sales" },
  desk: { team: "sales", stage: "test" },
};

const pod = (namespace: string, labels: Labels = {}): Pod => ({ namespace, labels });
const member = { app: "postgres", "app.kubernetes.io/instance": "postgres" };
const own = pod("data", { ...member, "statefulset.kubernetes.io/pod-name": "postgres-1" });
const web = { app: "web" };

/** The policy as the whole program asks for it; undefined where it asks for none. */
async function planned(settings: PostgresClusterArgs): Promise<Policy | undefined> {
  const config = asConfig({ namespace: "data", ...settings });
  const { resources } = await planOf(
    "dev",
    Object.fromEntries(Object.entries(config).map(([name, value]) => [`kubernetes-postgres:${name}`, value])),
  );
  const found = resources.find(({ type }) => type === "kubernetes:networking.k8s.io/v1:NetworkPolicy");
  return found === undefined ? undefined : JSON.parse(JSON.stringify(found.inputs));
}

const cluster = clusterSpec({}, {});

/** The same by the pure function alone. */
function policyOf(namespace: string, clients: NetworkClientArgs[] | undefined): Policy {
  const { networkPolicy: asked } = withDefaults({
    namespace,
    ...(clients !== undefined && { networkPolicy: { clients } }),
  });
  return JSON.parse(JSON.stringify(networkPolicy({ ...cluster, namespace, networkPolicy: asked })));
}

/** A row: who connects, to whom, to which port, and whether that is let through. */
type Row = [title: string, from: End, to: End, port: number, protocol: "TCP" | "UDP", through: boolean];

const inbound = (title: string, from: End, through: boolean): Row => [title, from, own, 5432, "TCP", through];

/** What holds whoever the clients are. */
const always: Row[] = [
  inbound("another pod of the cluster", own, true),
  inbound("a pod in another namespace with the labels of the cluster's", pod("desk", { ...own.labels }), false),
  inbound("a pod in another namespace", pod("desk"), false),
  inbound("a machine outside of the Kubernetes cluster", "no pod", false),
  ["another pod of the cluster, to another port", own, own, 22, "TCP", false],
  ["another pod of the cluster, by UDP", own, own, 5432, "UDP", false],
  ["a pod of its namespace, to another port", pod("data", web), own, 8080, "TCP", false],
  ["a pod of its namespace, to the port of DNS", pod("data", web), own, 53, "UDP", false],
  ["the cluster to a DNS server in a pod", own, pod("desk"), 53, "UDP", true],
  ["the cluster to a DNS server in a pod, by TCP", own, pod("desk"), 53, "TCP", true],
  ["the cluster to a DNS server of a node", own, "no pod", 53, "UDP", true],
  ["the cluster to a pod of its namespace", own, pod("data", web), 8080, "TCP", false],
  ["the cluster to PostgreSQL of others", own, pod("shop"), 5432, "TCP", false],
  ["the cluster to the internet", own, "no pod", 443, "TCP", false],
  ["others among themselves", pod("shop"), pod("desk"), 5432, "TCP", true],
];

const tables: [clients: string, asked: NetworkClientArgs[] | undefined, rows: Row[]][] = [
  [
    "with no clients named",
    undefined,
    [
      inbound("a pod of its namespace", pod("data", web), true),
      inbound("another cluster in its namespace", pod("data", { app: "other" }), true),
      inbound("a pod in a namespace of the same team", pod("shop", web), false),
    ],
  ],
  [
    "with no clients wanted",
    [],
    [
      inbound("a pod of its namespace", pod("data", web), false),
      inbound("a pod with one of the cluster's two labels", pod("data", { app: "postgres" }), false),
    ],
  ],
  [
    "with a namespace named",
    [{ namespace: "shop" }],
    [
      inbound("a pod of that namespace", pod("shop"), true),
      inbound("a pod of the cluster's namespace", pod("data", web), false),
    ],
  ],
  [
    "with pods of a namespace named",
    [{ namespace: "shop", podLabels: web }],
    [
      inbound("such a pod of that namespace", pod("shop", { ...web, tier: "front" }), true),
      inbound("another pod of that namespace", pod("shop", { app: "worker" }), false),
      inbound("such a pod of the cluster's namespace", pod("data", web), false),
    ],
  ],
  [
    "with pods named",
    [{ podLabels: { app: "web", tier: "front" } }],
    [
      inbound("such a pod of the cluster's namespace", pod("data", { ...web, tier: "front" }), true),
      inbound("one with only one of the labels", pod("data", web), false),
      inbound("such a pod of another namespace", pod("shop", { ...web, tier: "front" }), false),
    ],
  ],
  [
    "with labels of namespaces",
    [{ namespaceLabels: { stage: "live" } }, { namespaceLabels: { team: "sales" }, podLabels: web }],
    [
      inbound("such a pod of such a namespace", pod("shop", web), true),
      inbound("another pod of such a namespace", pod("shop"), false),
      inbound("such a pod of the cluster's namespace", pod("data", web), false),
    ],
  ],
  [
    "with a namespace by name and labels",
    [{ namespace: "shop", namespaceLabels: { stage: "live" } }],
    [inbound("a pod of that namespace, which has not the labels", pod("shop", web), false)],
  ],
];

describe("the network policy of a cluster", () => {
  for (const [clients, asked, rows] of tables) {
    describe(`${clients},`, () => {
      let network: Network;
      before(async () => {
        const policy = await planned(asked === undefined ? {} : { networkPolicy: { clients: asked } });
        network = new Network(namespaces, policy === undefined ? [] : [policy]);
      });

      for (const [title, from, to, port, protocol, through] of [...rows, ...always]) {
        it(`${through ? "lets through" : "stops"} ${title}`, () => {
          expect(network.allows({ from, to, port, protocol })).to.equal(through);
        });
      }
    });
  }

  it("is there unless it is not wanted, and has the cluster's name and labels", async () => {
    expect(await planned({ networkPolicy: { enabled: false } })).to.equal(undefined);
    expect(await planned({ name: "orders" }))
      .to.have.property("metadata")
      .that.deep.include({
        name: "orders",
        namespace: "data",
      });
  });

  it("lets in nobody but its own pods and the named ones, and lets out to nothing but its own pods and DNS", () => {
    const name = fc.constantFrom(...Object.keys(namespaces));
    const labels = fc.dictionary(fc.constantFrom("app", "team"), fc.constantFrom("postgres", "sales", "web"));
    const some = labels.filter((one) => Object.keys(one).length > 0);
    const client = fc
      .record({ namespace: name, namespaceLabels: some, podLabels: some }, { requiredKeys: [] })
      .filter((entry) => Object.keys(entry).length > 0);
    const end: fc.Arbitrary<End> = fc.oneof(
      fc.constant<End>("no pod"),
      fc.record({ namespace: name, labels: fc.oneof(labels, fc.constant({ ...member })) }),
    );
    const connection: fc.Arbitrary<Connection> = fc.record({
      from: end,
      to: end,
      port: fc.constantFrom(53, 5432, 5433, 443),
      protocol: fc.constantFrom("TCP", "UDP"),
    });
    const clients = fc.option(fc.array(client, { maxLength: 3 }), { nil: undefined });
    fc.assert(
      fc.property(name, clients, connection, (namespace, asked, { from, to, port, protocol }) => {
        const network = new Network(namespaces, [policyOf(namespace, asked)]);
        const has = (all: Labels, wanted: Labels = {}): boolean =>
          Object.entries(wanted).every(([key, value]) => all[key] === value);
        const isOwn = (one: End): boolean => one !== "no pod" && one.namespace === namespace && has(one.labels, member);
        const isClient = (one: End): boolean =>
          one !== "no pod" &&
          (asked ?? [{ namespace }]).some(
            (entry) =>
              has(one.labels, entry.podLabels) &&
              has(namespaces[one.namespace] ?? {}, entry.namespaceLabels) &&
              one.namespace === (entry.namespace ?? (entry.namespaceLabels === undefined ? namespace : one.namespace)),
          );
        const toServer = port === 5432 && protocol === "TCP";
        const comesIn = !isOwn(to) || (toServer && (isOwn(from) || isClient(from)));
        const goesOut = !isOwn(from) || port === 53 || (toServer && isOwn(to));
        expect(network.allows({ from, to, port, protocol })).to.equal(comesIn && goesOut);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("clients of a network policy", () => {
  const told = (clients: unknown): string[] =>
    parseSettings(asConfig({ networkPolicy: { clients } })).problems.map(
      ({ setting, asked }) => `${setting} | ${asked}`,
    );

  it("that would let in more than they name, or cannot be, are refused, all at once", () => {
    expect(
      told([
        {},
        { podLabels: {} },
        { namespace: "Shop", namespaceLabels: {} },
        { namespace: "shop", namespaceLabels: { "kubernetes.io/metadata.name": "desk" } },
        { podLabels: { "a b": "c", "-x": "1", "UPPER.org/x": "1", "/x": "1", app: "web server" } },
        { podLabels: { [`p/${"k".repeat(64)}`]: "v".repeat(64) } },
      ]),
    ).to.deep.equal([
      "networkPolicy.clients.0 | {}",
      "networkPolicy.clients.1.podLabels | {}",
      "networkPolicy.clients.2.namespace | Shop",
      "networkPolicy.clients.2.namespaceLabels | {}",
      "networkPolicy.clients.3.namespaceLabels | kubernetes.io/metadata.name=desk",
      "networkPolicy.clients.4.podLabels | a b=c",
      "networkPolicy.clients.4.podLabels | -x=1",
      "networkPolicy.clients.4.podLabels | UPPER.org/x=1",
      "networkPolicy.clients.4.podLabels | /x=1",
      "networkPolicy.clients.4.podLabels | app=web server",
      ...["key", "value"].map(() => `networkPolicy.clients.5.podLabels | p/${"k".repeat(64)}=${"v".repeat(64)}`),
    ]);
  });

  it("are told with the reason and the way out", () => {
    const words = (clients: NetworkClientArgs[]): string =>
      formatProblems(clusterProblems({ networkPolicy: { clients } }));
    expect(words([{}])).to.match(/every pod of every namespace[\s\S]*Give it a namespace/);
    expect(words([{ podLabels: {} }])).to.match(/would select every pod[\s\S]*leave it out/);
    expect(words([{ namespaceLabels: {} }])).to.match(/would select every namespace/);
    expect(words([{ namespace: "n".repeat(64) }])).to.match(/at most 63[\s\S]*kubectl get namespaces/);
    expect(words([{ podLabels: { app: "web,api" } }])).to.match(/at most 63[\s\S]*several values are several entries/);
  });

  it("of a wrong form are told with how to write them", () => {
    const told = (networkPolicy: unknown): string[] =>
      parseSettings(asConfig({ networkPolicy })).problems.map(({ setting, why, fix }) => `${setting}: ${why}; ${fix}`);
    expect(told({ clients: { namespace: "shop" } })).to.deep.equal([
      'networkPolicy.clients: is not a list; write a list: a line like "- namespace: shop" for each',
    ]);
    expect(told({ clients: ["shop"], enabled: "no" })).to.deep.equal([
      'networkPolicy.enabled: is neither true nor false; write it as "enabled: false"',
      'networkPolicy.clients.0: is not a set of fields; write it as "- namespace: shop"',
    ]);
    expect(told({ clients: [{ podLabel: { app: "web" } }] })[0]).to.match(
      /clients.0.podLabel: .*did you mean podLabels/,
    );
    expect(told({ client: [] })[0]).to.match(/networkPolicy.client: .*did you mean clients/);
    expect(told("shop")[0]).to.match(/networkPolicy: .*clients: \[\{namespace: shop\}\]/);
  });

  it("may be what Kubernetes takes for names and labels, and YAML for text", () => {
    expect(
      told([
        { namespace: "kube-system" },
        { namespaceLabels: { "kubernetes.io/metadata.name": "shop" } },
        { podLabels: { "app.kubernetes.io/name": "web", release: 7, canary: true, empty: "" } },
      ]),
    ).to.deep.equal([]);
  });
});
