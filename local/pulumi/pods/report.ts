import { script } from "../../../components/postgres/pod";
import { run } from "../../tools/run";
import type { Kubectl } from "./kubernetes";

/** What a pod says of itself. */
export interface PodReport {
  /** When its certificate ends, as ISO 8601 has it; undefined without TLS. */
  certificateEnds: string | undefined;
  /** What keeps it from running as its settings say: invalid ones, a certificate that cannot be used, a full volume. */
  notices: string[];
}

const limitMs = 8_000;

/** Asks a pod (components/postgres/scripts/report.sh). Undefined where it does not answer, or is of an earlier version. */
export async function podReport(
  { path, args }: Kubectl,
  namespace: string,
  pod: string,
): Promise<PodReport | undefined> {
  const command = ["exec", "-n", namespace, pod, "-c", "postgres", "--", ...script("report.sh")];
  const { code, stdout } = await run(path, [...args, ...command], { timeoutMs: limitMs });
  return code === 0 ? readReport(stdout) : undefined;
}

/** @param text lines of a kind, a tab and words. */
export function readReport(text: string): PodReport {
  const lines = text.split("\n").map((line) => {
    const [kind = "", ...words] = line.split("\t");
    return { kind, words: words.join(" ") };
  });
  const of = (kind: string): string[] => lines.filter((line) => line.kind === kind).map(({ words }) => words);
  const [ends] = of("certificate").map((date) => new Date(date));
  return {
    certificateEnds: ends === undefined || Number.isNaN(ends.getTime()) ? undefined : ends.toISOString(),
    notices: of("notice"),
  };
}
