const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Works on something that must not stay as it is then, and takes it back: afterwards, and when the run is interrupted.
 * @param undo does all at once, for an interrupted process has no time left.
 */
export async function takenBack<T>(undo: () => void, work: () => Promise<T>): Promise<T> {
  const onSignal = (signal: NodeJS.Signals): void => {
    undo();
    // Nobody listens any more: now it ends the process.
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.once(signal, onSignal);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    undo();
  }
}
