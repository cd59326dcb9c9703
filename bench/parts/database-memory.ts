import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalError, sleep } from "../../local/tools/run";
import type { BareServer } from "../contenders/bare-server";
import type { Finding } from "../findings";

// Each session sorts and hashes more than its work_mem, for as long as all the others do.
const script = `\\set first random(1, 1900000)
select count(*) from (
  select one.aid, one.filler, row_number() over (order by one.abalance, one.filler, one.aid)
  from pgbench_accounts one join pgbench_accounts other on other.aid = one.aid
  where one.aid between :first and :first + 60000 and other.aid between :first and :first + 60000
) sorted;
`;

const loadSeconds = 10;

interface Busy {
  /** All connections that the settings leave to clients. */
  asked: number;
  /** Seen connected half way. */
  sessions: number;
  peakBytes: number;
  kills: number;
}

/** What the servers need when every connection that they allow is busy, one server after the other. */
export async function memoryFindings(
  servers: Map<string, BareServer>,
  judged: readonly string[],
  folder: string,
  note: (words: string) => void,
): Promise<Finding[]> {
  const file = join(folder, "memory.sql");
  writeFileSync(file, script);
  const rows: string[][] = [];
  for (const [name, server] of servers) {
    note(`all connections busy: ${name}`);
    const { asked, sessions, peakBytes, kills } = await busy(server, file);
    const share = peakBytes / server.memoryLimitBytes();
    rows.push([
      name,
      `${sessions} of ${asked}`,
      `${(peakBytes / 2 ** 20).toFixed(0)} MiB`,
      share.toFixed(2),
      `${kills}`,
    ]);
    if (judged.includes(name) && (share > 1 || kills > 0))
      throw new LocalError(
        `${name} needed ${share.toFixed(2)} of its memory limit, and the kernel ended ${kills} processes.`,
      );
    if (judged.includes(name) && sessions < asked)
      throw new LocalError(`${name} was not as busy as it was to be: ${sessions} of ${asked} connections.`);
  }
  return [
    {
      kind: "figures",
      title: "Memory with every connection busy sorting",
      head: ["", "sessions", "peak", "of the limit", "processes ended by the kernel"],
      rows,
    },
  ];
}

async function busy(server: BareServer, file: string): Promise<Busy> {
  const most = Number(await server.sql("show max_connections"));
  const reserved = Number(await server.sql("show superuser_reserved_connections"));
  const asked = most - reserved;
  const killsBefore = server.outOfMemoryKills();
  let peakBytes = 0;
  let done = false;
  const load = server
    // A server that the kernel hurts ends its sessions: that is what is looked for, not a reason to stop.
    .pgbench("-n", "-c", `${asked}`, "-j", "2", "-T", `${loadSeconds}`, "-f", file)
    .catch(() => undefined)
    .finally(() => {
      done = true;
    });
  // One that was ended has no session any more.
  const counted = sleep(loadSeconds * 500)
    .then(() => server.sql("select count(*) from pg_stat_activity where application_name = 'pgbench'"))
    .then(Number, () => 0);
  while (!done) {
    peakBytes = Math.max(peakBytes, server.usedBytes());
    await sleep(100);
  }
  await load;
  return { asked, sessions: await counted, peakBytes, kills: server.outOfMemoryKills() - killsBefore };
}
