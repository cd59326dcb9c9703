/** What is measured in each round, by name. */
export type Runs<T> = Record<string, () => Promise<T>>;

/**
 * Runs all rivals in turn, round after round, so that whatever else the machine does hits all of them alike. Each round
 * starts with another one. A first round is not counted: it fills caches. What takes long can do without.
 * @param options.fewer rivals that run in so many of the first rounds only, because they take far longer than the others
 * @throws Error that names the rival that did not run.
 */
export async function inTurn<T>(
  rivals: Runs<T>,
  rounds: number,
  note: (words: string) => void,
  { warmUp = true, fewer = {} }: { warmUp?: boolean; fewer?: Record<string, number> } = {},
): Promise<Record<string, T[]>> {
  const names = Object.keys(rivals);
  const results: Record<string, T[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = warmUp ? 0 : 1; round <= rounds; round += 1) {
    const running = names.filter((name) => round <= (fewer[name] ?? rounds));
    for (const [index] of running.entries()) {
      const name = running[(index + round) % running.length] ?? "";
      note(round === 0 ? `${name}: not counted` : `${name}: ${round} of ${rounds}`);
      const result = await rivals[name]?.().catch((error: unknown) => {
        throw new Error(`${name} did not run: ${error instanceof Error ? error.message : error}`);
      });
      if (result === undefined) throw new Error(`${name} did not run: it gave no result`);
      if (round > 0) results[name]?.push(result);
    }
  }
  return results;
}

/** How long something takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
