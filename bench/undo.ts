/** Notes what has to be taken back at the end. */
export type Undo = (step: () => unknown) => void;

/**
 * Does work and takes back what it left, the last first. Every step is taken, whatever became of another one: no run is to
 * find what an earlier one left.
 * @throws what failed first; what failed after it is told on the terminal.
 */
export async function takingBack<T>(work: (undo: Undo) => Promise<T>): Promise<T> {
  const steps: (() => unknown)[] = [];
  const failures: unknown[] = [];
  const failed = (error: unknown): void => {
    failures.push(error);
  };
  const done = await work((step) => steps.push(step)).then((value) => ({ value }), failed);
  for (const step of steps.reverse()) await Promise.resolve().then(step).catch(failed);
  const [first, ...others] = failures;
  for (const other of others) console.error("Not taken back:", other);
  if (!done || failures.length > 0) throw first;
  return done.value;
}
