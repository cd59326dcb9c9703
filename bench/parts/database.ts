import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { Progress } from "../../local/progress";
import { resolveStack } from "../../local/pulumi/resolve-stack";
import { ensureDebianPackages } from "../../local/tools/debian";
import { textAt } from "../../local/tools/json";
import { CloudNativePg } from "../../test/cluster/faults/cloudnative-pg";
import { Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import { repetitions } from "../../test/repetitions";
import { startPeerOperator } from "../cloudnative-pg";
import { BareServer } from "../contenders/bare-server";
import type { Comparison, Finding, Part, Rival, Target } from "../findings";
import { inTurn } from "../rounds";
import { median } from "../statistics";
import { takingBack } from "../undo";
import { memoryFindings } from "./database-memory";
import { Profile } from "./database-profile";
import { type Workload, workloads } from "./database-workloads";

const rounds = repetitions("BENCH_ROUNDS", 5);
const namespaceName = "bench-database";

/** The limits of the source document. */
const limits = { cpu: "500m", memory: "512Mi" };

const names = {
  source: "the source document",
  defaults: "PostgreSQL's defaults",
  peer: "CloudNativePG's defaults",
  dev: "dev",
  prod: "prod",
} as const;
const own: readonly string[] = [names.dev, names.prod];

/** What the source document has in its ConfigMap. */
function sourceSettings(): string {
  const file = join(__dirname, "..", "..", "test", "scan", "source", "config-map.yaml");
  const settings = textAt(parse(readFileSync(file, "utf8")), "data", "postgresql.conf");
  if (settings === undefined) throw new Error(`${file} has no postgresql.conf`);
  return settings;
}

/** What a server's settings are worth: nothing else differs. */
export const database: Part = {
  name: "database",
  title: "The database",
  async measure(note) {
    await ensureDebianPackages(new Progress(), [
      { name: "postgresql-15", provides: "/usr/lib/postgresql/15/bin/pgbench" },
    ]);
    const { tools, node } = await embeddedNode();
    const namespace = new Namespace(namespaceName, tools.kubectl, node.kubeconfig);
    const peer = await peerSettings(namespace, note);
    const folder = mkdtempSync(join(tmpdir(), "bench-database-"));
    return takingBack(async (undo) => {
      undo(() => rmSync(folder, { recursive: true }));
      undo(() => namespace.remove());
      await namespace.kubectl("create", "namespace", namespaceName);
      const settings: Record<string, string> = {
        [names.source]: sourceSettings(),
        [names.defaults]: "",
        [names.peer]: peer,
        [names.dev]: ownSettings("dev"),
        [names.prod]: ownSettings("prod"),
      };
      const servers = new Map<string, BareServer>();
      for (const [index, [title, text]] of Object.entries(settings).entries()) {
        servers.set(title, new BareServer(`server-${index}`, namespace, text, limits));
      }
      note("fill the databases");
      await Promise.all([...servers.values()].map(fill));
      const findings: Finding[] = [remark];
      for (const workload of workloads) findings.push(...(await compare(workload, servers, folder, note)));
      const busy = new Map([...servers].filter(([name]) => name === names.source || own.includes(name)));
      return [...findings, ...(await memoryFindings(busy, own, folder, note))];
    });
  },
};

const remark: Finding = {
  kind: "remark",
  text:
    "Five servers of the same image with limits of 500m and 512Mi, each in a pod of its own, on the same disk, in which " +
    'nothing differs but postgresql.conf: what the document has that this project started from, "the source document" below ' +
    "(its manifests: `test/scan/source`); nothing; what a cluster of CloudNativePG runs with; what dev and prod run with at these limits. pgbench runs outside the pods, scale 20 (300 MB), in turn: eight clients, and two that sort and join. " +
    "More is better; 1 is the best of the others.",
};

/** Why reads and writes cannot be much faster than the source's here; the table that follows has the figures. */
const limited =
  "the limit of half a processor is what counts here (the table below): every server waits for it nearly all the time, and a " +
  "transaction costs all of them nearly the same. What the settings save is WAL after a checkpoint, which counts where a disk, " +
  "a network to replicas or an archive limits. Tried without a difference beyond the spread: `shared_buffers` of 64 " +
  "and 256 MB, `wal_compression` off, `wal_buffers` of 16 MB, `commit_delay` of 0.2 and 1 ms, `wal_sync_method` " +
  "open_datasync, no autovacuum, no background writer, no process titles.";

/** postgresql.conf of a stack at these limits; certificates and their settings are the pods' own affair. */
function ownSettings(stack: string): string {
  const resources = { requests: { cpu: "50m", memory: "128Mi" }, limits };
  const settings = { resources, tls: { mode: "off" } };
  const { postgresqlConf } = resolveStack({ stack, cluster: "embedded", settings }).spec;
  // What the pod's scripts include.
  return postgresqlConf
    .split("\n")
    .filter((line) => !/^include/.test(line))
    .join("\n");
}

/** Of the peer's parameters, those that are about its own machinery: where files are, who may connect, what is logged. */
const machinery =
  /^(archive_|cluster_name|config_file|data_directory|hba_file|ident_file|listen_addresses|log_|logging_|port=|primary_|recovery_|restore_|ssl|shared_preload|synchronous_standby|unix_socket)/;

/** What a running cluster of the peer has set. */
function peerSettings(namespace: Namespace, note: (words: string) => void): Promise<string> {
  return takingBack(async (undo) => {
    undo(await startPeerOperator(namespace.beside("default"), note));
    const cluster = await CloudNativePg.create(1);
    undo(() => cluster.remove());
    note("read the settings of CloudNativePG");
    await cluster.prepare();
    await cluster.deploy();
    const rows = await cluster.superuser(
      "select name || '=' || current_setting(name) from pg_settings where source = 'configuration file' order by name",
    );
    const lines = rows
      .trim()
      .split("\n")
      .filter((line) => !machinery.test(line));
    if (lines.length < 5) throw new Error(`CloudNativePG has set no more than ${lines.join(", ")}`);
    return lines
      .map((line) => line.split("="))
      .map(([name, ...value]) => `${name} = '${value.join("=").replaceAll("'", "''")}'`)
      .join("\n");
  });
}

async function fill(server: BareServer): Promise<void> {
  await server.deploy();
  await server.pgbench("-i", "-q", "-s", "20");
  await server.sql("vacuum analyze");
}

async function compare(
  workload: Workload,
  servers: Map<string, BareServer>,
  folder: string,
  note: (words: string) => void,
): Promise<Finding[]> {
  const { id, title, args, script, atLeastSource } = workload;
  const file = join(folder, `${id}.sql`);
  if (script !== undefined) writeFileSync(file, script);
  const profile = new Profile();
  const run = (name: string, server: BareServer) => async (): Promise<number> => {
    await server.sql("checkpoint");
    const work = () => server.pgbench(...args, ...(script === undefined ? [] : ["-f", file]));
    return atLeastSource === undefined ? work() : profile.record(name, server, work);
  };
  const taken = await inTurn(
    Object.fromEntries([...servers].map(([name, server]) => [name, run(name, server)])),
    rounds,
    (words) => note(`${id}: ${words}`),
    // Filling the databases has filled the caches.
    { warmUp: false },
  );
  const best = Object.keys(taken)
    .filter((name) => !own.includes(name))
    .reduce((one, other) => (median(taken[other] ?? []) > median(taken[one] ?? []) ? other : one));
  const rivals = (target: Target): Rival[] =>
    Object.entries(taken).map(([name, values]) => ({ name, values, ...(own.includes(name) && { target }) }));
  const comparison = { kind: "comparison", unit: "tps" } as const;
  const beside: Comparison = {
    ...comparison,
    id: `database-${id}`,
    title,
    floor: best,
    rivals: rivals({ atLeast: 0.98 }),
  };
  if (atLeastSource === undefined) return [beside];
  const source = { id: `database-${id}-source`, title: `${title}, beside the source's settings`, floor: names.source };
  const target = { atLeast: atLeastSource, missed: limited };
  const two = rivals(target).filter(({ name }) => name === names.source || own.includes(name));
  const needs = profile.figures("What a transaction of these needs, and what limits it");
  return [beside, { ...comparison, ...source, rivals: two }, needs];
}
