import { CloudNativePg } from "../../test/cluster/faults/cloudnative-pg";
import { Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import { repetitions } from "../../test/repetitions";
import { startPeerOperator } from "../cloudnative-pg";
import { NaiveRollout } from "../contenders/naive";
import { OwnRollout } from "../contenders/own";
import type { Comparison, Finding, Part, Target } from "../findings";
import { Pulumi } from "../pulumi";
import { inTurn, seconds } from "../rounds";
import { median } from "../statistics";
import { takingBack } from "../undo";
import { cloneFindings } from "./clone";

const rounds = repetitions("BENCH_ROUNDS", 5);
/** Of what takes most of a minute, with what has to be undone after it. */
const longRounds = Math.min(rounds, 2);

/** The same for all: the limits of the source document, and requests that leave room for three of them on one node. */
export const resources = { requests: { cpu: "50m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } };

const names = {
  own: "this program",
  parallel: "this program, all pods at once",
  naive: "a StatefulSet without replication",
  peer: "CloudNativePG",
} as const;

/** From `up` to three pods that are Ready, and what changes them. */
export const rollout: Part = {
  name: "rollout",
  title: "Rollouts",
  async measure(note) {
    const { tools, node } = await embeddedNode();
    const pulumi = await Pulumi.create(tools, note);
    return takingBack(async (undo) => {
      undo(() => pulumi.remove());
      undo(await startPeerOperator(new Namespace("default", tools.kubectl, node.kubeconfig), note));
      const own = await OwnRollout.create(pulumi, "own", { resources });
      const naive = await NaiveRollout.create(pulumi, "naive", resources);
      const first = await firstRollouts(own, naive, note);
      // What changes them, on two that stay.
      undo(() => own.remove());
      undo(() => naive.remove());
      for (const contender of [own, naive]) {
        await contender.namespace.gone();
        await contender.prepare({ replicas: 4 });
      }
      await Promise.all([own.up(), naive.up()]);
      return [remark, ...first, ...(await changes(own, naive, note)), ...(await cloneFindings(own, note))];
    });
  },
};

const remark: Finding = {
  kind: "remark",
  text:
    "Three pods with limits of 500m and 512Mi, from the start of Pulumi's CLI (for CloudNativePG, of the apply of its " +
    "Cluster) until all pods are Ready and, where there is replication, all replicas stream. This program adds TLS " +
    "between the pods, roles, policies, a disruption budget. The StatefulSet without replication is the least that a " +
    "program can do: a ConfigMap, a Service, three pods that run initdb, probed every second.",
};

async function firstRollouts(own: OwnRollout, naive: NaiveRollout, note: (words: string) => void): Promise<Finding[]> {
  const fresh = async (contender: OwnRollout | NaiveRollout, settings = {}): Promise<number> => {
    try {
      await contender.namespace.gone();
      await contender.prepare();
      return await seconds(() => contender.up(settings));
    } finally {
      await contender.remove();
    }
  };
  const peer = async (): Promise<number> => {
    const cluster = await CloudNativePg.create();
    try {
      await cluster.prepare();
      return await seconds(() => cluster.deploy());
    } finally {
      await cluster.remove();
    }
  };
  const all = {
    [names.own]: () => fresh(own),
    [names.naive]: () => fresh(naive),
    [names.parallel]: () => fresh(own, { podManagementPolicy: "Parallel" }),
    [names.peer]: peer,
  };
  const fewer = { [names.parallel]: longRounds, [names.peer]: longRounds };
  const taken = await inTurn(all, rounds, note, { warmUp: false, fewer });
  const of = (name: string, most = rounds): number[] => (taken[name] ?? []).slice(0, most);
  const short = { [names.own]: of(names.own), [names.naive]: of(names.naive) };
  // Of the same rounds.
  const long = Object.fromEntries(
    [names.own, names.parallel, names.peer].map((name) => [name, of(name, longRounds)] as const),
  );
  const floor = `a StatefulSet without replication takes ${median(of(names.naive)).toFixed(1)} s on this machine; the rest is told above.`;
  return [
    compared("rollout-naive", "To three Ready pods", short, names.naive, { atMost: 1.2, missed: whatIsAdded }),
    compared("rollout-peer", "To three Ready pods, beside CloudNativePG", long, names.peer, {
      atMost: 0.25,
      missed: oneByOne,
    }),
    {
      kind: "measures",
      title: "To three Ready pods, in seconds of this machine",
      unit: "s",
      measures: [names.own, names.parallel].map((name) => ({
        name,
        values: of(name),
        target: { atMost: 14, missed: floor },
      })),
    },
  ];
}

/** What the floor does without. */
const whatIsAdded =
  "each pod has more to do one after the other: a certificate, made and checked; the first one roles, their passwords and rights; the " +
  "others a clone of the first over TLS, and a slot; each a second look by the readiness probe. That takes processor time, of which a " +
  "pod has half a processor; the seconds that both wait for Kubernetes are shorter the less else the machine does. In three other " +
  "runs of 2026-11-28 it was 1.10, 1.13 and 1.20. What was tried is told below the next table.";

/** Where the time goes. */
const oneByOne =
  "pods that start one by one wait for each other, and the order is the default on purpose. Of 18.7 s of one rollout (2026-11-28, its events and logs), 4.9 go by until the " +
  "first object is made (4.7 for the StatefulSet without replication: Pulumi's CLI, Node and the SDK), 0.7 until the last of " +
  "22 is; then each pod waits 1.1 s for its volume (kube-scheduler looks once a second), 0.5 s for its container, and needs " +
  "2.3 to 3.2 s of half a processor to be ready: certificate, initdb with roles or a clone over TLS, start. Tried: a startup " +
  "probe that waits by itself (0.5 s a pod), fewer calls of openssl (0.2 s a pod), and `podManagementPolicy: Parallel`, the second line of the table.";

async function changes(own: OwnRollout, naive: NaiveRollout, note: (words: string) => void): Promise<Comparison[]> {
  const scaled = (contender: OwnRollout | NaiveRollout) => async (): Promise<number> => {
    const taken = await seconds(() => contender.up({ replicas: 4 }));
    await contender.up({ replicas: 3 });
    // Or the next one would go on from the volume that this one left.
    await contender.namespace.kubectl("delete", "pvc", "data-postgres-3");
    await contender.prepare({ replicas: 4 });
    return taken;
  };
  const scaleUps = await inTurn({ [names.own]: scaled(own), [names.naive]: scaled(naive) }, longRounds, note, {
    warmUp: false,
  });
  let revision = 1;
  const restarts = await inTurn(
    {
      [names.own]: () => {
        revision += 1;
        return seconds(() => own.up({ parameters: { max_locks_per_transaction: String(64 + revision) } }));
      },
      [names.naive]: () => {
        revision += 1;
        return seconds(() => naive.up({ revision: String(revision) }));
      },
    },
    longRounds,
    note,
    { warmUp: false },
  );
  return [
    compared("rollout-scale-up", "One more pod", scaleUps, names.naive),
    compared("rollout-restart", "A restart of all three, one after the other", restarts, names.naive),
  ];
}

function compared(
  id: string,
  title: string,
  taken: Record<string, number[]>,
  floor: string,
  target?: Target,
): Comparison {
  const rivals = Object.entries(taken).map(([name, values]) => ({
    name,
    values,
    ...(name === names.own && target && { target }),
  }));
  return { kind: "comparison", id, title, unit: "s", floor, rivals };
}
