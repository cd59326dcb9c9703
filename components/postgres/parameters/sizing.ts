import { canonicalName, judgedMajor } from "./catalog";
import { numberOf } from "./effective";
import { amount } from "./value";

/** What a server's settings follow from. */
export interface ServerSize {
  /** Memory limit of the container, in bytes. */
  readonly memoryLimitBytes: number;
  /** Size of the volume, in bytes. */
  readonly storageBytes: number;
  /** Number of pods: a primary and `replicas - 1` replicas. */
  readonly replicas: number;
  /** CPU limit of the container in thousandths of a core. Default 1000. */
  readonly cpuMillicores?: number;
  /** Default `production`. */
  readonly workload?: "development" | "production" | "high-performance";
  /** Major version of the image; unknown: only what all majors understand is set. */
  readonly major?: number;
}

/** A size, and the postgresql.conf settings that the user asked for. */
export interface ServerRequest extends ServerSize {
  readonly parameters?: Readonly<Record<string, string>>;
}

const kibi = 1024;
const mebi = 1024 ** 2;
const gibi = 1024 ** 3;

/** The smallest memory limit for which the computed settings fit: {@link serverParameters} counts on it. */
export const smallestMemoryBytes = 128 * mebi;

/** The smallest volume that holds a new cluster, its WAL and the reserve: {@link serverParameters} counts on it. */
export const smallestStorageBytes = gibi;

/** The pods that the smallest number of senders and slots is enough for: scaling up to it restarts nothing. */
export const mostReplicasWithoutRestart = 10;

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const megabytes = (bytes: number): string => amount(Math.floor(bytes / mebi), "MB");

/**
 * Size of the memory volume at /dev/shm: a quarter of the limit, at most 1Gi, in whole MiB. Parallel queries exchange rows there; the
 * runtime's 64 MB are too few for a parallel hash join. What lies there counts against the memory limit.
 */
export function shmSizeBytes(memoryLimitBytes: number): number {
  return Math.min(Math.floor(memoryLimitBytes / 4 / mebi) * mebi, gibi);
}

/**
 * All settings of postgresql.conf: computed from the size, then what the user asked for on top. Memory that follows from other settings
 * follows the user's (more connections: less work_mem for each). Names are spelled as PostgreSQL spells them.
 *
 * Sources: "pgtune" and "timescaledb-tune" are the two tools' formulas; "default" is PostgreSQL's own value, written down because it
 * matters here; "judgement" is ours for containers.
 *
 * Left at PostgreSQL's default on purpose: `hot_standby_feedback` (off: a query forgotten on a replica, or a replica that is away, must
 * not keep the primary from cleaning up; the price is a query on a replica that is cancelled after `max_standby_streaming_delay`, 30s),
 * `track_io_timing` (off: costs up to a microsecond a read where the virtual machine's clock is slow), `wal_buffers` (-1: follows
 * shared_buffers), `log_connections` (off), the time zone (GMT), and `hash_mem_multiplier`.
 */
export function serverParameters({ parameters = {}, ...size }: ServerRequest): Record<string, string> {
  const asked = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [canonicalName(name), value]));
  return {
    ...connections(),
    ...memory(size, asked),
    ...wal(size),
    ...replication(size),
    ...planner(size),
    ...vacuum(size),
    ...logging(size),
    ...asked,
  };
}

function connections(): Record<string, string> {
  return {
    // The scripts' own names for the address and the socket; see the table of owned parameters.
    listen_addresses: "*",
    unix_socket_directories: "/run/postgresql",
    // Default since 14; pg_hba.conf accepts nothing else.
    password_encryption: "scram-sha-256",
  };
}

function memory(size: ServerSize, asked: Readonly<Record<string, string>>): Record<string, string> {
  const { memoryLimitBytes, major } = size;
  // M/12MiB from 25 to 200 (judgement: a session takes 2 MiB and its work_mem); below 200Mi of memory 25 do not fit.
  const sessions = Math.min(200, Math.max(Math.min(25, memoryLimitBytes / (8 * mebi)), memoryLimitBytes / (12 * mebi)));
  // M/4 (pgtune, timescaledb-tune; the manual's "reasonable starting value is 25%").
  const buffers = memoryLimitBytes / 4;
  const sharedBuffers = numberOf("shared_buffers", asked, major) ?? buffers;
  const backends = (numberOf("max_connections", asked, major) ?? sessions) + workers(size);
  // pgtune: what is left, a third of it for each backend, because a query sorts and hashes several times. Its floor of 4 MB is unsafe in a
  // small pod: 1 MB to 64 MB, in steps of 64 kB.
  const left = memoryLimitBytes - sharedBuffers - shmSizeBytes(memoryLimitBytes);
  const workMem = clamp(left / (backends * 3), mebi, 64 * mebi);
  return {
    max_connections: String(Math.floor(sessions)),
    shared_buffers: megabytes(buffers),
    // 3M/4 (pgtune): what the kernel's cache, which counts in the container, can hold with the buffers.
    effective_cache_size: megabytes((memoryLimitBytes / 4) * 3),
    work_mem: amount(Math.floor(workMem / (64 * kibi)) * 64, "kB"),
    // M/16, at most 2 GB (pgtune).
    maintenance_work_mem: megabytes(Math.min(memoryLimitBytes / 16, 2 * gibi)),
    // Half of it for each of the autovacuum workers, which run beside everything else (judgement).
    autovacuum_work_mem: megabytes(Math.min(memoryLimitBytes / 32, 2 * gibi)),
    // A pod has huge pages only if it asks for them; "try" could take them by chance and be killed for it.
    huge_pages: "off",
    // In /dev/shm, whose size is set; mmap would use the volume.
    dynamic_shared_memory_type: "posix",
  };
}

function wal({ storageBytes, major }: ServerSize): Record<string, string> {
  // A tenth of the volume, at most 4 GB (judgement; pgtune has 1 to 4 GB regardless of the disk). At least two segments of 16 MB each.
  const maxWal = clamp(storageBytes / 10, 64 * mebi, 4 * gibi);
  return {
    wal_level: "replica",
    max_wal_size: megabytes(maxWal),
    min_wal_size: megabytes(Math.max(maxWal / 4, 32 * mebi)),
    // What a replica that is away may hold back, a fifth of the volume: then it must clone, but the primary's disk never fills.
    // PostgreSQL's default has no limit.
    max_slot_wal_keep_size: megabytes(storageBytes / 5),
    // Kept without a slot, so that a replica scaled away for a while can rejoin without a clone: a twentieth, at most 512 MB
    // (CloudNativePG's value).
    wal_keep_size: megabytes(Math.min(storageBytes / 20, 512 * mebi)),
    // pgtune, timescaledb-tune: fewer checkpoints, fewer full pages in WAL. Recovery after a crash takes longer, but max_wal_size bounds it.
    checkpoint_timeout: "15min",
    // Default since 14.
    checkpoint_completion_target: "0.9",
    // lz4 costs far less CPU than pglz. The official images (Debian and Alpine) and Debian's own packages are built with it; an image
    // without it needs wal_compression: pglz. 14 knows only on (pglz), and all majors understand "on".
    wal_compression: major !== undefined && judgedMajor(major) === major && major >= 15 ? "lz4" : "on",
  };
}

function replication({ replicas }: ServerSize): Record<string, string> {
  // Each replica streams with one sender and clones with two, and two are for others. In steps of ten, because a change restarts the pods
  // and scaling must not; an unused one costs a few kB.
  const needed = 2 * Math.max(replicas, mostReplicasWithoutRestart);
  const senders = String(Math.ceil(needed / 10) * 10);
  return {
    hot_standby: "on",
    max_wal_senders: senders,
    max_replication_slots: senders,
    // A fast shutdown waits this long for a replica that hangs; the default of 60s costs a minute without a primary (judgement).
    wal_sender_timeout: "15s",
    wal_receiver_timeout: "15s",
    // How soon a replica is back after the primary was; default 5s.
    wal_retrieve_retry_interval: "500ms",
    // Before it recovers from a crash the server makes sure that its files are on disk; one call for the volume instead of one a file:
    // 164-266 ms instead of 650-2100 ms until it accepts connections, on a busy disk (our experiment, test/bootstrap/crash.test.ts).
    recovery_init_sync_method: "syncfs",
    // How exact the primary's view of a replica is, when nothing is written; default 10s.
    wal_receiver_status_interval: "1s",
  };
}

/** Whole cores that the CPU limit allows; parallel plans on less than one only wait for each other. */
const cores = ({ cpuMillicores = 1000 }: ServerSize): number => Math.floor(cpuMillicores / 1000);

/** max_worker_processes: one a core (pgtune), at least PostgreSQL's default. */
const workers = (size: ServerSize): number => clamp(cores(size), 8, 1024);

function planner(size: ServerSize): Record<string, string> {
  const available = cores(size);
  // pgtune from 4 cores: half of them, at most 4, for one query or one index. Below: one helper, none on less than two cores.
  const each = String(available >= 4 ? clamp(Math.floor(available / 2), 2, 4) : available >= 2 ? 1 : 0);
  return {
    max_worker_processes: String(workers(size)),
    max_parallel_workers: String(workers(size)),
    max_parallel_workers_per_gather: each,
    max_parallel_maintenance_workers: each,
    // pgtune for SSD, which all classes of volume are.
    random_page_cost: "1.1",
    effective_io_concurrency: "200",
    // Compiling a query pays only in long analytic ones, and costs memory in each backend (judgement).
    jit: "off",
  };
}

function vacuum(size: ServerSize): Record<string, string> {
  // Default 3; 4 from 16 cores (judgement: more only share the same I/O budget), where there is memory for one more.
  const many = cores(size) >= 16 && size.memoryLimitBytes >= gibi;
  return { autovacuum_max_workers: many ? "4" : "3" };
}

function logging({ workload = "production" }: ServerSize): Record<string, string> {
  return {
    // To stderr, which is the pod's log; lines start with an ISO time, and pgBadger reads the rest.
    log_line_prefix: "%m [%p]: %quser=%u,db=%d,app=%a,client=%h ",
    // Default since 15.
    log_checkpoints: "on",
    log_autovacuum_min_duration: "1min",
    // What slows an application down without a trace otherwise.
    log_lock_waits: "on",
    log_temp_files: "64MB",
    log_min_duration_statement: workload === "development" ? "250ms" : "1s",
    // A slow statement is logged without the values bound to it, which may be personal data.
    log_parameter_max_length: "0",
  };
}
