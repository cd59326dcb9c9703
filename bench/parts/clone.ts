import { eventually } from "../../test/cluster/kubernetes";
import { repetitions } from "../../test/repetitions";
import type { OwnRollout } from "../contenders/own";
import type { Finding } from "../findings";
import { inTurn, seconds } from "../rounds";

const rounds = Math.min(repetitions("BENCH_ROUNDS", 2), 2);

/** Makes a database of about this size: a row of pgbench's largest table takes about 130 bytes. */
const scale = 70;

const names = {
  own: "a replica without a volume, until it streams",
  baseBackup: "pg_basebackup to that volume",
  copy: "the same bytes written and synced",
} as const;

const replica = "postgres-2";

/** How long a replica that lost its volume takes, beside the least that its data can take. */
export async function cloneFindings(own: OwnRollout, note: (words: string) => void): Promise<Finding[]> {
  const { namespace } = own;
  note("fill a database of 1 GB");
  await namespace.bash("postgres-0", `pgbench -i -q -I dtg -s ${scale} -U appuser -d myapp 2>&1`);
  await namespace.superuser("postgres-0", "checkpoint");
  const bytes = Number(await namespace.superuser("postgres-0", "select sum(pg_database_size(oid)) from pg_database"));
  const inReplica = (script: string): Promise<number> =>
    seconds(() => namespace.bash(replica, `set -e\ncd /var/lib/postgresql/data\n${script}\nrm -rf floor`));
  const passfile = "/run/postgresql/replicator.pgpass";
  const from = `host=postgres-0.postgres-svc.${namespace.name}.svc.cluster.local user=replicator passfile=${passfile}`;
  const authority = "sslmode=verify-full sslrootcert=/var/lib/postgresql/data/tls/ca.crt";
  const taken = await inTurn(
    {
      [names.own]: () => rebuilt(own),
      [names.baseBackup]: () => inReplica(`pg_basebackup -D floor -X stream -c fast -d '${from} ${authority}'`),
      [names.copy]: () => inReplica(`dd if=/dev/zero of=floor bs=1M count=${Math.round(bytes / 2 ** 20)} conv=fsync`),
    },
    rounds,
    note,
    { warmUp: false },
  );
  const size = `${(bytes / 1e9).toFixed(2)} GB`;
  return [
    {
      kind: "comparison",
      id: "rollout-clone",
      title: `A new copy of a database of ${size}`,
      unit: "s",
      floor: names.copy,
      rivals: Object.entries(taken).map(([name, values]) => ({ name, values })),
    },
  ];
}

/** From the deletion of a replica with its claim until it streams again, from an empty volume. */
async function rebuilt(own: OwnRollout): Promise<number> {
  const { namespace } = own;
  const { uid } = (await namespace.pod(replica)).metadata;
  await own.prepare({ replicas: 5 });
  return seconds(async () => {
    await namespace.kubectl("delete", "pvc", `data-${replica}`, "--wait=false");
    await namespace.kubectl("delete", "pod", replica);
    await eventually(`a new ${replica}`, async () =>
      (await namespace.pod(replica)).metadata.uid !== uid ? true : undefined,
    );
    await namespace.allStreaming("postgres-1", replica);
  });
}
