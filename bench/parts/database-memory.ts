import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalError, sleep } from "../../local/tools/run";
import type { BareServer } from "../contenders/bare-server";
import type { Finding, Measure } from "../findings";

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
  /** Of processes by the kernel, and of the container. */
  kills: number;
  restarts: number;
}

/** A server that takes more of its limit than this has no room for what is not measured here, such as a page cache. */
const share = { atMost: 0.9 };

/** What the servers need when every connection that they allow is busy, one server after the other. */
export async function memoryFindings(
  servers: Map<string, BareServer>,
  judged: readonly string[],
  folder: string,
  note: (words: string) => void,
): Promise<Finding[]> {
  const file = join(folder, "memory.sql");
  writeFileSync(file, script);
  const measures: Measure[] = [];
  for (const [name, server] of servers) {
    note(`all connections busy: ${name}`);
    const { asked, sessions, peakBytes, kills, restarts } = await busy(server, file);
    const mebibytes = `${(peakBytes / 2 ** 20).toFixed(0)} MiB`;
    measures.push({
      name,
      values: [peakBytes / server.memoryLimitBytes()],
      note: `${mebibytes} with ${sessions} of ${asked} connections; the kernel ended ${kills} processes`,
      ...(judged.includes(name) && { target: share }),
    });
    if (judged.includes(name) && kills + restarts > 0)
      throw new LocalError(
        `${name} reached its memory limit: the kernel ended ${kills} processes, the container started anew ${restarts} times.`,
      );
    if (judged.includes(name) && sessions < asked)
      throw new LocalError(`${name} was not as busy as it was to be: ${sessions} of ${asked} connections.`);
  }
  const title = "Memory with every connection busy sorting: peak, beside the limit";
  return [{ kind: "measures", title, unit: "of it", measures }];
}

async function busy(server: BareServer, file: string): Promise<Busy> {
  const most = Number(await server.sql("show max_connections"));
  const reserved = Number(await server.sql("show superuser_reserved_connections"));
  const asked = most - reserved;
  const killsBefore = server.outOfMemoryKills();
  const restartsBefore = await server.restarts();
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
  const restarts = (await server.restarts()) - restartsBefore;
  // A container that was started anew counts from 0.
  const kills = restarts > 0 ? 1 : server.outOfMemoryKills() - killsBefore;
  return { asked, sessions: await counted, peakBytes, kills, restarts };
}
