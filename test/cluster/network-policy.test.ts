import { expect } from "chai";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import { eventually, type Namespace } from "./kubernetes";
import {
  type Client,
  connectAtOnce,
  listeningPort,
  Neighbour,
  type Outcome,
  ownNode,
  PodClient,
  type Target,
} from "./network-client";
import { embeddedNode, TestStack } from "./stack";

const postgres = 5432;

/** A connection, what becomes of it with the policy, and without one. */
type Row = [title: string, target: Target, closed: Outcome, open: Outcome];

describe("a cluster that a network policy closes", function () {
  this.timeout("8 minutes");
  let stack: TestStack;
  let neighbour: Neighbour;
  /** Namespaces beside the cluster's own. */
  let others: Record<"shop" | "desk" | "yard", Namespace>;
  let clients: Record<"near" | "web" | "reader" | "worker" | "stranger" | "primary" | "replica", PodClient>;
  let table: [Client, Row[]][];

  before(async () => {
    const { node } = await embeddedNode();
    stack = await TestStack.create("closed", { replicas: 2 });
    const { namespace, name } = stack;
    const beside = (title: string): Namespace => namespace.beside(`${name}-${title}`);
    others = { shop: beside("shop"), desk: beside("desk"), yard: beside("yard") };
    neighbour = await Neighbour.create(name, node.address);
    await stack.up(open);
    await Promise.all(Object.values(others).map((other) => namespace.kubectl("create", "namespace", other.name)));
    const [near, web, reader, worker, stranger] = await Promise.all([
      PodClient.start(namespace, "near"),
      PodClient.start(others.shop, "web"),
      PodClient.start(others.desk, "reader", { role: "reader" }),
      PodClient.start(others.desk, "worker", { role: "worker" }),
      PodClient.start(others.yard, "stranger", { role: "reader" }),
    ]);
    const [primary, replica] = [new PodClient(namespace, "postgres-0"), new PodClient(namespace, "postgres-1")];
    clients = { near, web, reader, worker, stranger, primary, replica };
    table = await rows();
  });
  after(async () => {
    await neighbour.remove();
    const namespaces = Object.values(others).map(({ name }) => name);
    await stack.namespace.kubectl("delete", "namespace", ...namespaces, "--ignore-not-found");
    await stack.remove();
  });

  const open: Record<string, ConfigValue> = { networkPolicy: { enabled: false } };
  const closed = (): Record<string, ConfigValue> => ({
    networkPolicy: {
      clients: [
        { namespace: stack.name },
        { namespace: others.shop.name },
        { namespace: others.desk.name, podLabels: { role: "reader" } },
      ],
    },
  });
  const toPrimary = (): Target => [stack.outputs.primary.host, postgres];

  async function rows(): Promise<[Client, Row[]][]> {
    const { near, web, reader, worker, stranger, primary, replica } = clients;
    const service = toPrimary();
    const name = stack.outputs.replicas[0]?.host ?? "";
    const byAddress: Target = [await replica.address(), postgres];
    const nobodyThere: Target = [name, postgres + 1];
    const [ofNear, ofWeb] = [await near.address(), await web.address()];
    return [
      [
        near,
        [
          ["a pod of its namespace, to the primary", service, "open", "open"],
          ["a pod of its namespace, to a replica", [name, postgres], "open", "open"],
          ["a pod of its namespace, to another port", nobodyThere, "silence", "refused"],
        ],
      ],
      [
        web,
        [
          ["a pod of a namespace that is named, to the primary", service, "open", "open"],
          ["a pod of a namespace that is named, to a replica", [name, postgres], "open", "open"],
          ["a pod of a namespace that is named, to another port", nobodyThere, "silence", "refused"],
        ],
      ],
      [reader, [["a pod that is named by namespace and label", service, "open", "open"]]],
      [worker, [["a pod beside it without that label", service, "silence", "open"]]],
      [
        stranger,
        [
          ["a pod with that label elsewhere, by the Service", service, "silence", "open"],
          ["a pod with that label elsewhere, by the pod's name", [name, postgres], "silence", "open"],
          ["a pod with that label elsewhere, by the pod's address", byAddress, "silence", "open"],
        ],
      ],
      [neighbour, [["a machine that is no pod", byAddress, "silence", "open"]]],
      [ownNode, [["the pods' own node, as Kubernetes has it", byAddress, "open", "open"]]],
      [
        primary,
        [
          ["the primary, to a pod of its namespace", [ofNear, listeningPort], "silence", "open"],
          ["the primary, to the API server", ["kubernetes.default.svc.cluster.local", 443], "silence", "open"],
          ["the primary, to DNS by TCP", [stack.dns, 53], "open", "open"],
        ],
      ],
      [
        replica,
        [
          ["a replica, to a pod of another namespace", [ofWeb, listeningPort], "silence", "open"],
          ["a replica, to the primary", service, "open", "open"],
        ],
      ],
    ];
  }

  /** What becomes of each connection, by its title. */
  async function outcomes(): Promise<Record<string, Outcome | undefined>> {
    const tried = table.map(async ([client, some]) => {
      const found = await client.connect(some.map(([, target]) => target));
      return some.map(([title], index): [string, Outcome | undefined] => [title, found[index]]);
    });
    return Object.fromEntries((await Promise.all(tried)).flat());
  }
  const expected = (of: (row: Row) => Outcome): Record<string, Outcome> =>
    Object.fromEntries(table.flatMap(([, some]) => some.map((row) => [row[0], of(row)])));

  it("is reached by all of them while the policy is switched off, so that silence below is the policy's", async () => {
    expect(await outcomes()).to.deep.equal(expected(([, , , without]) => without));
  });

  it("is reached only by whom it names, and reaches only its own pods and DNS; no pod restarts for it", async () => {
    const uids = async (): Promise<string[]> => (await stack.namespace.pods()).map(({ metadata }) => metadata.uid);
    const before = await uids();
    await stack.up(closed());
    expect(await outcomes()).to.deep.equal(expected(([, , within]) => within));
    expect(await uids()).to.deep.equal(before);
  });

  it("knows a new pod by its first packet, whether it is named or not", async () => {
    expect(await connectAtOnce(others.shop, "first", toPrimary())).to.deep.equal(["open"]);
    expect(await connectAtOnce(others.yard, "first", toPrimary())).to.deep.equal(["silence"]);
  });

  it("replicates, and a replica that starts again finds the primary and streams", async () => {
    const { namespace } = stack;
    await namespace.psql("postgres-0", "create table kept (id int); insert into kept values (1)");
    await namespace.kubectl("delete", "pod", "postgres-1");
    await eventually("the replica", async () => (await namespace.streaming()).includes("postgres-1") || undefined, 120);
    await eventually("the row on the replica", async () =>
      (await namespace.psql("postgres-1", "select id from kept")) === "1" ? true : undefined,
    );
  });

  it("lets go who is named no longer, and takes in who now is", async () => {
    const yard = { namespaceLabels: { "kubernetes.io/metadata.name": others.yard.name } };
    await stack.up({ networkPolicy: { clients: [yard] } });
    const found = [clients.stranger, clients.web, clients.near].map((client) => client.connect([toPrimary()]));
    expect((await Promise.all(found)).flat()).to.deep.equal(["open", "silence", "silence"]);
  });

  it("is open again to all of them once the policy is switched off", async () => {
    await stack.up(open);
    expect(await clients.worker.connect([toPrimary()])).to.deep.equal(["open"]);
    expect(await neighbour.connect([[await clients.primary.address(), postgres]])).to.deep.equal(["open"]);
  });
});
