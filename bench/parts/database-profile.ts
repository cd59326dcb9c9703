import type { BareServer } from "../contenders/bare-server";
import type { Figures } from "../findings";
import { median } from "../statistics";

/** What a server needed for one run of pgbench. */
interface Need {
  /** Processors that were busy for it, of those that its limit allows. */
  processors: number;
  /** Share of the periods of its limit in which it had to wait for the next one. */
  throttled: number;
  /** For each transaction. */
  milliseconds: number;
  walBytes: number;
  syncs: number;
}

/** What servers need for a workload, run by run: where the limit of one resource is reached, no setting of another helps. */
export class Profile {
  private readonly needs = new Map<string, Need[]>();

  /** @param work returns transactions per second. */
  async record(name: string, server: BareServer, work: () => Promise<number>): Promise<number> {
    const before = await reading(server);
    const tps = await work();
    const after = await reading(server);
    const transactions = after.transactions - before.transactions;
    const processorSeconds = after.processorSeconds - before.processorSeconds;
    const need: Need = {
      processors: (processorSeconds * tps) / transactions,
      throttled: (after.throttled - before.throttled) / (after.all - before.all),
      milliseconds: (1000 * processorSeconds) / transactions,
      walBytes: (after.walBytes - before.walBytes) / transactions,
      syncs: (after.syncs - before.syncs) / transactions,
    };
    this.needs.set(name, [...(this.needs.get(name) ?? []), need]);
    return tps;
  }

  figures(title: string): Figures {
    const of = (needs: Need[], value: (need: Need) => number, digits: number): string =>
      median(needs.map(value)).toFixed(digits);
    return {
      kind: "figures",
      title,
      head: [
        "",
        "processors busy",
        "periods throttled",
        "processor time a transaction (ms)",
        "WAL a transaction (bytes)",
        "syncs a transaction",
      ],
      rows: [...this.needs].map(([name, needs]) => [
        name,
        of(needs, ({ processors }) => processors, 2),
        `${of(needs, ({ throttled }) => 100 * throttled, 0)} %`,
        of(needs, ({ milliseconds }) => milliseconds, 2),
        of(needs, ({ walBytes }) => walBytes, 0),
        of(needs, ({ syncs }) => syncs, 2),
      ]),
    };
  }
}

const counters = `select wal_bytes, wal_sync, (select sum(xact_commit) from pg_stat_database) from pg_stat_wal`;

async function reading(server: BareServer) {
  // Sessions report what they did when they end.
  const [walBytes = 0, syncs = 0, transactions = 0] = (await server.sql(counters)).split("|").map(Number);
  return { walBytes, syncs, transactions, processorSeconds: server.processorSeconds(), ...server.periods() };
}
