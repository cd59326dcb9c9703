/** A setting that cannot work, found before anything is created. Every problem says what was asked, why it cannot work and what to do. */
export interface Problem {
  /** The setting as the user writes it, for example `storageSize` or `parameters.shared_buffers`. */
  readonly setting: string;
  /** What was asked, as it was written. */
  readonly asked: string;
  /** Why it cannot work, with the numbers. One or two sentences. */
  readonly why: string;
  /** What to do instead. One or two sentences. */
  readonly fix: string;
}

/** The problem where the check failed, nothing where it did not. */
export const when = (failed: boolean, problem: Problem): Problem[] => (failed ? [problem] : []);

/** Longest part of an asked value that a message repeats: enough to recognise it, short enough to read. */
const longestQuote = 120;

/** One list for all problems, so that a person repairs them in one go: `2 settings cannot work:` and a numbered entry for each. */
export function formatProblems(problems: readonly Problem[]): string {
  const heading = problems.length === 1 ? "1 setting cannot work:" : `${problems.length} settings cannot work:`;
  const entries = problems.map(
    ({ setting, asked, why, fix }, index) =>
      `${`${index + 1}.`.padStart(4)} ${setting}: ${quote(asked)}\n     ${why}\n     What to do: ${fix}`,
  );
  return [heading, ...entries].join("\n\n");
}

/** The problems that {@link formatProblems} wrote somewhere in a text: what another program prints of a refusal. */
export function readProblems(text: string): Problem[] {
  const entries = text.matchAll(/^ +\d+\. (\S+): (".*)\n {5}(.*)\n {5}What to do: (.*)$/gm);
  return [...entries].map(([, setting = "", asked = "", why = "", fix = ""]) => {
    return { setting, asked: unquote(asked), why, fix };
  });
}

function unquote(line: string): string {
  try {
    return `${JSON.parse(line)}`;
  } catch {
    // A long one was cut.
    return line;
  }
}

function quote(asked: string): string {
  const line = JSON.stringify(asked);
  return line.length <= longestQuote ? line : `${line.slice(0, longestQuote)}..."`;
}
