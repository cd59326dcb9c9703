import { expect } from "chai";
import { type FaultRow, recordFault } from "../../fault-table";
import { repetitions } from "../../repetitions";
import type { Login } from "../client";
import { Ledger } from "../ledger";

/** How often what hurts the primary is provoked; `npm run faults` says 20. */
export const tries = repetitions("FAULT_TRIES", 1);
/** Figures come from many tries on a machine that does nothing else; one try tells whether it comes back by itself. */
const leeway = tries === 1 ? 3 : 1;
/** How often everything else is. */
export const fewTries = Math.min(tries, 5);
/** How often what takes a minute each time is. */
export const longTries = Math.min(tries, 3);

/** A database that is hurt: ours, or another one for comparison. */
export interface Subject {
  readonly title: string;
  /** Whether a lost row or a late return is a failure, or only a figure in the table. */
  readonly judged: boolean;
  readonly dns: string;
  /** How an application writes. */
  connect(): Login;
  /** Resolves when all pods run and all replicas stream. */
  whole(): Promise<unknown>;
}

export interface Fault<S extends Subject> {
  title: string;
  tries: number;
  /** Clients that write as fast as they can, beside the one that writes a row every 100 ms. Default 0. */
  hurriedWriters?: number;
  /** The longest time without an acknowledged row, in seconds, that is accepted; three times that for a single try. Default 60. */
  most?: number;
  /** Whether nobody can write while it lasts: then the time without a write is counted from its end. */
  stopsWrites?: boolean;
  /** Does it. Where it lasts a while, returns when it was over (milliseconds since 1970): from then on is counted. */
  provoke(subject: S, ledger: Ledger): Promise<number | unknown>;
}

/**
 * Provokes a fault again and again while a client writes a row every 100 ms. Each time the cluster has to come back by
 * itself, whole, with every row whose commit was acknowledged. The figures go into the table of the run.
 * @returns them, too.
 */
export async function measureFault<S extends Subject>(subject: S, fault: Fault<S>): Promise<FaultRow> {
  const row = { subject: subject.title, fault: fault.title, tried: 0, acknowledged: 0, lost: 0 };
  const writesBack: number[] = [];
  const wholeBack: number[] = [];
  try {
    for (let count = 0; count < fault.tries; count += 1) {
      await subject.whole();
      const ledger = await Ledger.start(subject.dns, () => subject.connect(), fault.hurriedWriters);
      try {
        // At any moment, not always the same time after the last one.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
        row.tried += 1;
        const begun = Date.now();
        const over = await fault.provoke(subject, ledger);
        const since = typeof over === "number" ? over : begun;
        await ledger.writes(20, 120);
        await subject.whole();
        wholeBack.push((Date.now() - since) / 1000);
        const { acknowledged, lost, gap, backAfter } = await ledger.settle();
        writesBack.push(fault.stopsWrites ? backAfter(since) : gap);
        row.acknowledged += acknowledged;
        row.lost += lost.length;
        if (subject.judged) expect(lost, "acknowledged rows that are lost").to.deep.equal([]);
      } finally {
        await ledger.stop();
      }
    }
  } finally {
    recordFault({ ...row, writesBack, wholeBack });
  }
  return { ...row, writesBack, wholeBack };
}

/** As {@link measureFault}; where the subject is judged, its longest time without a write is, too. */
export async function hurt<S extends Subject>(subject: S, fault: Fault<S>): Promise<void> {
  const { writesBack } = await measureFault(subject, fault);
  if (subject.judged)
    expect(Math.max(...writesBack), "longest time without a write").to.be.lessThan((fault.most ?? 60) * leeway);
}
