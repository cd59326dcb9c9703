/** Ctrl-C while a stack changes: the first ends the work in order, the second at once. */
export interface Interrupts {
  cancel: AbortSignal;
  kill: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** npm passes Ctrl-C on to a process that the terminal has already told; within this time it is the same one. */
const echoMs = 700;

/** @param say prints a line that stays. */
export function catchInterrupts(say: (line: string) => void): Interrupts {
  const cancel = new AbortController();
  const kill = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    if (first === 0) {
      first = Date.now();
      say("Ending in order: waiting for what has begun, saving the state. Ctrl-C again ends at once.");
      cancel.abort();
    } else if (Date.now() - first > echoMs) {
      say("Ending at once. The next up puts in order what is left.");
      kill.abort();
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    cancel: cancel.signal,
    kill: kill.signal,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
