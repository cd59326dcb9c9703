import { CloudNativePg } from "../../test/cluster/faults/cloudnative-pg";
import { measureFault } from "../../test/cluster/faults/fault";
import { OwnCluster } from "../../test/cluster/faults/own-cluster";
import { primaryFaults, rollingUpdate, type WithPrimary } from "../../test/cluster/faults/primary-faults";
import { Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode, TestStack } from "../../test/cluster/stack";
import type { FaultRow } from "../../test/fault-table";
import { repetitions } from "../../test/repetitions";
import { startPeerOperator } from "../cloudnative-pg";
import type { Comparison, Finding, Part } from "../findings";
import { inTurn } from "../rounds";
import { takingBack } from "../undo";
import { resources } from "./rollout";

// One takes the peer half a minute; `npm run faults` tries more, and more faults.
const rounds = Math.min(repetitions("BENCH_ROUNDS", 2), 2);

/** How often each fault is provoked. A roll takes both together a minute and a half. */
const roundsOf = ({ title }: (typeof primaryFaults)[number]): number => (title === rollingUpdate ? 1 : rounds);

const names = { own: "this program", peer: "CloudNativePG" } as const;

/** The time without writes when the primary is hurt. */
export const recovery: Part = {
  name: "recovery",
  title: "Recovery",
  async measure(note) {
    const { tools, node } = await embeddedNode();
    return takingBack(async (undo) => {
      undo(await startPeerOperator(new Namespace("default", tools.kubectl, node.kubeconfig), note));
      const stack = await TestStack.create("bench-recovery", { replicas: 3, resources });
      undo(() => stack.remove());
      const peer = await CloudNativePg.create();
      undo(() => peer.remove());
      await peer.prepare();
      await Promise.all([stack.up(), peer.deploy()]);
      return compare(new OwnCluster(stack), peer, note);
    });
  },
};

async function compare(own: OwnCluster, peer: CloudNativePg, note: (words: string) => void): Promise<Finding[]> {
  const findings: Comparison[] = [];
  const rows: string[][] = [];
  for (const [index, fault] of primaryFaults.entries()) {
    const once = (subject: WithPrimary) => () => measureFault(subject, { ...fault, tries: 1 });
    const taken = await inTurn(
      { [names.own]: once(own), [names.peer]: once(peer) },
      roundsOf(fault),
      (words) => note(`${fault.title}: ${words}`),
      { warmUp: false },
    );
    findings.push({
      kind: "comparison",
      id: `recovery-${index + 1}`,
      title: `Longest time without a write: ${fault.title}`,
      unit: "s",
      floor: names.peer,
      rivals: Object.entries(taken).map(([name, rows]) => ({ name, values: rows.flatMap((row) => row.writesBack) })),
    });
    rows.push([fault.title, ...[names.own, names.peer].map((name) => loss(taken[name] ?? []))]);
  }
  return [
    {
      kind: "remark",
      text:
        "Three pods each, the same image and limits. A client writes a row every 100 ms over a new connection (with four " +
        "writers: three more as fast as they can) and keeps its own list of what was acknowledged. More faults and more " +
        "tries: [what it survives](faults.md).",
    },
    ...findings,
    { kind: "figures", title: "Acknowledged rows that were lost", head: ["", names.own, names.peer], rows },
  ];
}

function loss(rows: readonly FaultRow[]): string {
  const sum = (value: (row: FaultRow) => number): number => rows.reduce((total, row) => total + value(row), 0);
  return `${sum(({ lost }) => lost)} of ${sum(({ acknowledged }) => acknowledged)}`;
}
