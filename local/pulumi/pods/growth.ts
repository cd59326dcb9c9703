import { smallerThanAsked } from "../../../components/postgres/claims";
import { type ClaimView, ordinalOf, type Snapshot, type WarningView } from "./snapshot";

const seconds = 1000;

// A driver answers within moments and retries what failed; a cloud may take minutes for the disk itself.
const refusedMs = 30 * seconds;
const untouchedMs = 60 * seconds;
const fileSystemMs = 180 * seconds;
const wholeMs = 600 * seconds;

const refusals = new Set(["VolumeResizeFailed", "FileSystemResizeFailed"]);

/** The claims of the StatefulSet's pods whose volumes are smaller than asked. */
export function growingClaims({ statefulSet, claims }: Snapshot): ClaimView[] {
  const wanted = (name: string): boolean => ordinalOf(name) < (statefulSet?.replicas ?? 0);
  return claims.filter(
    ({ name, bound, size, capacity }) => wanted(name) && bound && smallerThanAsked(size, capacity) !== undefined,
  );
}

/** All of them in a few words. */
export const growthLine = (claims: readonly ClaimView[]): string =>
  claims.map(({ name, size, capacity }) => `${name} has ${capacity} of ${size}`).join(", ");

/** Follows volumes that grow, and finds out when one will not by itself. */
export class GrowthWatch {
  private readonly firstSeen = new Map<string, number>();

  /** @param begun milliseconds since 1970; what happened before says nothing about this growth. */
  constructor(private readonly begun: number) {}

  /**
   * Looks once. Gives the reason why a volume does not grow, once it is clear that it does not.
   * @param snapshot undefined where the cluster did not answer.
   */
  stuck(snapshot: Snapshot | undefined, now: number): string | undefined {
    const growing = snapshot === undefined ? [] : growingClaims(snapshot);
    const reasons = growing.map((claim) => this.reasonFor(claim, snapshot?.warnings ?? [], now));
    const late = now - this.begun > wholeMs ? "it took longer than 10 minutes" : undefined;
    return reasons.find((reason) => reason !== undefined) ?? late;
  }

  private reasonFor(claim: ClaimView, warnings: readonly WarningView[], now: number): string | undefined {
    const { name, growth } = claim;
    const refusal = warnings
      .filter((warning) => warning.kind === "PersistentVolumeClaim" && warning.name === name)
      .find(({ reason, lastSeen }) => refusals.has(reason) && lastSeen >= this.begun - 5 * seconds);
    const words = refusal?.message ?? growth.filter((word) => /Infeasible|Error/.test(word)).join(", ");
    if (words !== "" && this.lasts(`${name} refused`, refusedMs, now)) {
      return `the driver cannot grow ${name}: ${words}`;
    }
    const untouched = growth.length === 0 && words === "";
    if (this.lasts(`${name} untouched`, untouchedMs, now, untouched)) {
      return `no driver has begun to grow ${name} (${claim.storageClass})`;
    }
    const offline = growth.includes("FileSystemResizePending");
    if (this.lasts(`${name} offline`, fileSystemMs, now, offline)) {
      return `the disk of ${name} has grown, its file system has not: the driver does that when the pod starts anew`;
    }
    return undefined;
  }

  /** Whether something has been so for that long. */
  private lasts(key: string, forMs: number, now: number, holds = true): boolean {
    if (!holds) {
      this.firstSeen.delete(key);
      return false;
    }
    const since = this.firstSeen.get(key) ?? now;
    this.firstSeen.set(key, since);
    return now - since >= forMs;
  }
}
