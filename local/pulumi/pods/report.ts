import { script } from "../../../components/postgres/pod";
import { run } from "../../tools/run";
import type { Kubectl } from "./kubernetes";

/** What a pod says of itself. */
export interface PodReport {
  /** When its certificate ends, as ISO 8601 has it; undefined without TLS. */
  certificateEnds: string | undefined;
  /** What it does not take over, and why, or does not do: invalid settings, a certificate that cannot be used, a full volume. */
  notices: string[];
}

const limitSeconds = 6;

/** Asks a pod (components/postgres/scripts/report.sh). Undefined where it does not answer, or is of an earlier version. */
export async function podReport(
  { path, args }: Kubectl,
  namespace: string,
  pod: string,
): Promise<PodReport | undefined> {
  // In the pod, too: what kubectl has started there outlives it.
  const asked = ["timeout", `${limitSeconds}`, ...script("report.sh")];
  const command = [...args, "exec", "-n", namespace, pod, "-c", "postgres", "--", ...asked];
  const { code, stdout } = await run(path, command, { timeoutMs: (limitSeconds + 2) * 1000 });
  return code === 0 ? readReport(stdout) : undefined;
}

/** @param text lines of a kind, a tab and words. */
export function readReport(text: string): PodReport {
  const lines = text.split("\n").map((line) => {
    const [kind = "", ...words] = line.split("\t");
    // What is written to a terminal must not be able to steer it.
    return { kind, words: words.join(" ").replace(/\p{Cc}/gu, " ") };
  });
  const of = (kind: string): string[] => lines.filter((line) => line.kind === kind).map(({ words }) => words);
  const [ends] = of("certificate").map((date) => new Date(date));
  return {
    certificateEnds: ends === undefined || Number.isNaN(ends.getTime()) ? undefined : ends.toISOString(),
    notices: of("notice"),
  };
}
