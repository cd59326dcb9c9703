import type { Problem } from "../problem";
import { formatBytes } from "../quantity";
import { settingOf } from "./catalog";
import { effectiveNumber } from "./effective";
import { type ServerSize, serverParameters } from "./sizing";
import { amount, bytesPer } from "./value";

type Parameters = Readonly<Record<string, string>>;

const mebi = 1024 ** 2;

/**
 * The postmaster, its helpers and the shared memory beside shared_buffers: 6 to 14 MB of shared memory were measured on 15 and 18 (200
 * connections), the rest is private memory of a dozen processes.
 */
const serverOverhead = 32 * mebi;

/** Bookkeeping of shared_buffers: 2.5 % measured on 15 and 18. */
const buffersOverhead = 1.03;

/** What a session takes before it sorts anything: 1.7 MiB with its page tables measured on 15, 40 pgbench sessions. */
const sessionOverhead = 2 * mebi;

/** Beside WAL, a volume must keep this part for the data, the reserve file and the file system's own. */
const storageForData = 0.2;

/** What counts against the memory limit; `maintenance_work_mem` only where the autovacuum workers follow it. */
export const memoryParameters: readonly string[] = [
  ...["shared_buffers", "max_connections", "work_mem", "autovacuum_max_workers", "autovacuum_work_mem"],
  "maintenance_work_mem",
];

/** What counts against the volume. */
export const walParameters: readonly string[] = [
  "max_wal_size",
  "min_wal_size",
  "max_slot_wal_keep_size",
  "wal_keep_size",
];

/** What replicas need on the primary: a sender and a slot each. */
export const streamingParameters: readonly string[] = ["max_wal_senders", "max_replication_slots"];

/** What has to leave connections for the application. */
export const connectionParameters: readonly string[] = [
  "max_connections",
  "superuser_reserved_connections",
  "reserved_connections",
];

/** How one sum is asked and told. */
interface Budget {
  /** The parameters that decide it; those that the user set are to blame. */
  readonly names: readonly string[];
  /** The other way out: the setting that gives room. */
  readonly resource: "resources.limits.memory" | "storageSize";
  /** How much of the resource a pod of this size has, in bytes. */
  readonly has: (size: ServerSize) => number;
  /** The same pod with more of it. */
  readonly raised: (size: ServerSize, bytes: number) => ServerSize;
  /** How much of it the parameters may need. */
  readonly available: (size: ServerSize) => number;
  readonly need: (parameters: Parameters, major: number | undefined) => number;
  readonly why: (need: number) => string;
}

/** What the user's parameters need, with the computed rest, against what a pod has. `asked` are readable values with canonical names. */
export function budgetProblems(asked: Parameters, size: ServerSize): Problem[] {
  const { max_slot_wal_keep_size: slots, ...others } = asked;
  const unlimited = effectiveNumber("max_slot_wal_keep_size", { max_slot_wal_keep_size: slots ?? "0" }, size.major) < 0;
  const bounded = unlimited ? others : asked;
  return [
    ...(unlimited ? [unlimitedSlots(slots ?? "", size)] : []),
    ...exceeded(memoryBudget(bounded, size), bounded, size),
    ...exceeded(walBudget(size), bounded, size),
    ...countProblems(bounded, size),
  ];
}

function unlimitedSlots(asked: string, size: ServerSize): Problem {
  const computed = serverParameters(size).max_slot_wal_keep_size;
  return {
    setting: "parameters.max_slot_wal_keep_size",
    asked,
    why: `Without a limit, a replica that is away makes the primary keep all WAL until the volume (${formatBytes(size.storageBytes)}) is full and the primary stops.`,
    fix: `Leave it out: a fifth of the volume (${computed}) is kept then, and a replica that falls further behind clones again by itself.`,
  };
}

/**
 * Bytes that a busy server needs: shared memory, every session running one sort or hash of work_mem, every autovacuum worker with its
 * memory. It is less than the worst case (40 sorting sessions were measured at three times work_mem each), so that only settings which
 * end in "out of memory" under ordinary load are refused; on cgroup v2 that kills the whole container.
 */
export function memoryNeed(parameters: Parameters, major: number | undefined): number {
  const number = (name: string) => effectiveNumber(name, parameters, major);
  const autovacuum = number("autovacuum_work_mem");
  const eachWorker = autovacuum < 0 ? number("maintenance_work_mem") : autovacuum;
  return Math.ceil(
    number("shared_buffers") * buffersOverhead +
      serverOverhead +
      number("max_connections") * (sessionOverhead + number("work_mem")) +
      number("autovacuum_max_workers") * eachWorker,
  );
}

/**
 * Bytes that pg_wal may grow to: WAL up to the next checkpoint, and behind it what slots or wal_keep_size hold back. Infinite where
 * slots may hold back everything.
 */
export function walNeed(parameters: Parameters, major: number | undefined): number {
  const number = (name: string) => effectiveNumber(name, parameters, major);
  const slots = number("max_slot_wal_keep_size");
  if (slots < 0) return Number.POSITIVE_INFINITY;
  return Math.max(number("max_wal_size"), number("min_wal_size")) + Math.max(slots, number("wal_keep_size"));
}

function memoryBudget(asked: Parameters, size: ServerSize): Budget {
  const { memoryLimitBytes, major } = size;
  const followsMaintenance =
    effectiveNumber("autovacuum_work_mem", serverParameters({ ...size, parameters: asked }), major) < 0;
  return {
    names: memoryParameters.filter((name) => followsMaintenance || name !== "maintenance_work_mem"),
    resource: "resources.limits.memory",
    has: (pod) => pod.memoryLimitBytes,
    raised: (pod, bytes) => ({ ...pod, memoryLimitBytes: bytes }),
    available: (pod) => pod.memoryLimitBytes,
    need: memoryNeed,
    why: (need) =>
      `A busy server would need ${formatBytes(need)} (shared_buffers, the sessions with 2Mi and one work_mem each, the autovacuum workers) and the memory limit is ${formatBytes(memoryLimitBytes)}: the pod would be killed.`,
  };
}

function walBudget({ storageBytes }: ServerSize): Budget {
  const available = (pod: ServerSize): number => pod.storageBytes * (1 - storageForData);
  return {
    names: walParameters,
    resource: "storageSize",
    has: (pod) => pod.storageBytes,
    raised: (pod, bytes) => ({ ...pod, storageBytes: bytes }),
    available,
    need: walNeed,
    why: (need) =>
      `WAL may grow to ${formatBytes(need)} (max_wal_size, and what slots or wal_keep_size hold back), but a volume of ${formatBytes(storageBytes)} has room for ${formatBytes(storageBytes * (1 - storageForData))} of WAL: a fifth is for the data at least.`,
  };
}

function exceeded(budget: Budget, asked: Parameters, size: ServerSize): Problem[] {
  const needOf = (parameters: Parameters, pod: ServerSize): number =>
    budget.need(serverParameters({ ...pod, parameters }), pod.major);
  const fits = (parameters: Parameters, pod: ServerSize): boolean => needOf(parameters, pod) <= budget.available(pod);
  const blamed = budget.names.filter((name) => name in asked);
  // With nothing of the user's in it, the size itself is too small, which is told for the size.
  if (fits(asked, size) || blamed.length === 0) return [];
  const lower = blamed.flatMap((name) => {
    const most = largestThatFits(name, size.major, (value) => fits({ ...asked, [name]: value }, size));
    return most === undefined ? [] : [`set ${name} to ${most} or less`];
  });
  const enough = smallestThatFits(budget.has(size), (bytes) => fits(asked, budget.raised(size, bytes)));
  const ways = [...lower, ...(enough === undefined ? [] : [`raise ${budget.resource} to ${formatBytes(enough)}`])];
  const advice = ways.length > 0 ? ways.join(", or ") : "leave them out";
  return [
    {
      setting: blamed.map((name) => `parameters.${name}`).join(", "),
      asked: blamed.map((name) => asked[name]).join(", "),
      why: budget.why(needOf(asked, size)),
      fix: `${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`,
    },
  ];
}

/** A memory limit or volume with room, up to a thousand times the present one; computed settings grow with it. */
function smallestThatFits(present: number, fits: (bytes: number) => boolean): number | undefined {
  for (let factor = 1; factor < 1000; factor *= 1.04) {
    const step = present * factor < 4 * 1024 * mebi ? 64 * mebi : 1024 * mebi;
    const bytes = Math.ceil((present * factor) / step) * step;
    if (bytes > present && fits(bytes)) return bytes;
  }
  return undefined;
}

/** The largest value of one parameter, the others unchanged, that stays within the budget; undefined where even its least does not. */
function largestThatFits(
  name: string,
  major: number | undefined,
  fits: (value: string) => boolean,
): string | undefined {
  const setting = settingOf(name, major);
  if (setting === undefined) return undefined;
  // Memory is advised in whole megabytes.
  const step = setting.unit === undefined ? 1 : Math.max(1, mebi / bytesPer(setting.unit));
  let good = 0;
  let bad = Math.floor((setting.max ?? 0) / step) + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (fits(String(middle * step))) good = middle;
    else bad = middle;
  }
  return good * step >= Math.max(1, setting.min ?? 0) ? amount(good * step, setting.unit) : undefined;
}

/** Senders, slots and connections that are fewer than the cluster itself needs. */
function countProblems(asked: Parameters, size: ServerSize): Problem[] {
  const { replicas, major } = size;
  const parameters = serverParameters({ ...size, parameters: asked });
  const number = (name: string) => effectiveNumber(name, parameters, major);
  const tooFew = (name: string, least: number, why: string): Problem[] =>
    name in asked && number(name) < least
      ? [
          {
            setting: `parameters.${name}`,
            asked: asked[name] ?? "",
            why,
            fix: `Use ${least} or more, or leave it out.`,
          },
        ]
      : [];
  const streaming = replicas - 1;
  const reserved = number("superuser_reserved_connections") + number("reserved_connections");
  const blamed = connectionParameters.filter((name) => name in asked);
  return [
    ...tooFew(
      "max_wal_senders",
      streaming === 0 ? 0 : streaming + 1,
      `${streaming} replicas stream from the primary with one sender each, and a clone takes one more.`,
    ),
    ...tooFew(
      "max_replication_slots",
      streaming,
      `Each of the ${streaming} replicas has a slot of its own on the primary.`,
    ),
    ...(blamed.length > 0 && reserved >= number("max_connections")
      ? [
          {
            setting: blamed.map((name) => `parameters.${name}`).join(", "),
            asked: blamed.map((name) => asked[name]).join(", "),
            why: `${reserved} of ${number("max_connections")} connections are reserved for superusers, and the server does not start unless some are left.`,
            fix: `Use ${reserved + 1} or more for max_connections, or reserve fewer.`,
          },
        ]
      : []),
  ];
}
