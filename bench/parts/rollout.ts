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
import { cloneFindings } from "./clone";

const rounds = repetitions("BENCH_ROUNDS", 5);
/** Of what takes most of a minute. */
const longRounds = Math.min(rounds, 3);

/** The same for all: the limits of the source document, and requests that leave room for three of them on one node. */
export const resources = { requests: { cpu: "50m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } };

const names = {
  own: "this program",
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
    const undo = [await startPeerOperator(new Namespace("default", tools.kubectl, node.kubeconfig), note)];
    try {
      const own = await OwnRollout.create(pulumi, "own", { resources });
      const naive = await NaiveRollout.create(pulumi, "naive", resources);
      const first = await firstRollouts(own, naive, note);
      // What changes them, on two that stay.
      undo.push(
        () => own.remove(),
        () => naive.remove(),
      );
      await own.prepare({ replicas: 4 });
      await own.up();
      await naive.prepare(4);
      await naive.up();
      return [remark, ...first, ...(await changes(own, naive, note)), ...(await cloneFindings(own, note))];
    } finally {
      for (const step of undo.reverse()) await step();
      pulumi.remove();
    }
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

async function firstRollouts(
  own: OwnRollout,
  naive: NaiveRollout,
  note: (words: string) => void,
): Promise<Comparison[]> {
  const fresh = async (contender: OwnRollout | NaiveRollout): Promise<number> => {
    try {
      await contender.prepare();
      return await seconds(() => contender.up());
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
  const taken = await inTurn(
    { [names.own]: () => fresh(own), [names.naive]: () => fresh(naive), [names.peer]: peer },
    rounds,
    note,
    { warmUp: false, fewer: { [names.peer]: longRounds } },
  );
  const { [names.peer]: peers = [], ...short } = taken;
  // Of the same rounds.
  const beside = { [names.own]: (taken[names.own] ?? []).slice(0, longRounds), [names.peer]: peers };
  return [
    compared("rollout-naive", "To three Ready pods", short, names.naive, { atMost: 1.2 }),
    compared("rollout-peer", "To three Ready pods, beside CloudNativePG", beside, names.peer, { atMost: 0.25 }),
  ];
}

async function changes(own: OwnRollout, naive: NaiveRollout, note: (words: string) => void): Promise<Comparison[]> {
  const scaled = (contender: OwnRollout | NaiveRollout) => async (): Promise<number> => {
    const taken = await seconds(() => contender.up({ replicas: 4 }));
    await contender.up({ replicas: 3 });
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
