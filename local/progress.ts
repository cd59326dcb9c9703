/** Tells a person what a long command is doing: which step, how long so far, what comes next. */

/** What a step may say about itself while it works, for example "1,204 of 2,310 packages". */
export type Note = (detail: string) => void;

/** Where progress is written; `process.stderr` fits. */
export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface ProgressOptions {
  /** Default: standard error, so that standard output stays for results. */
  output?: ProgressOutput;
  /** Milliseconds between two signs of life of one step where the line cannot be rewritten. Default 15,000. */
  heartbeatMs?: number;
  /** The clock, in milliseconds; tests set it. Default `Date.now`. */
  now?: () => number;
}

interface RunningStep {
  title: string;
  number: number;
  startedAt: number;
  detail: string;
}

/**
 * Steps that were announced with {@link Progress.plan} are counted ("2 of 7") and named in advance ("next: ...").
 * Steps may overlap; on a terminal one line is rewritten every quarter second, elsewhere plain lines are printed.
 */
export class Progress {
  private readonly output: ProgressOutput;
  private readonly heartbeatMs: number;
  private readonly now: () => number;
  private readonly pending: string[] = [];
  private readonly running: RunningStep[] = [];
  private started = 0;
  private timer: NodeJS.Timeout | undefined;
  private rewriting = false;

  constructor(options: ProgressOptions = {}) {
    this.output = options.output ?? process.stderr;
    this.heartbeatMs = options.heartbeatMs ?? 15_000;
    this.now = options.now ?? Date.now;
  }

  /** Announces steps by their titles, in the order they will start. */
  plan(...titles: string[]): void {
    this.pending.push(...titles);
  }

  /** Takes an announced step back that turned out not to be needed. */
  drop(title: string): void {
    const index = this.pending.indexOf(title);
    if (index >= 0) this.pending.splice(index, 1);
  }

  /** Runs one step, announced or not. A failure is passed on and shown as where it stopped. */
  async step<T>(title: string, work: (note: Note) => Promise<T>): Promise<T> {
    this.drop(title);
    this.started += 1;
    const step: RunningStep = { title, number: this.started, startedAt: this.now(), detail: "" };
    this.running.push(step);
    if (!this.output.isTTY) this.line(`${this.count(step)} ${title}${this.next()}`);
    this.startTimer();
    try {
      const result = await work((detail) => {
        step.detail = detail;
      });
      this.finish(step, "done in");
      return result;
    } catch (error) {
      this.finish(step, "failed after");
      throw error;
    }
  }

  /** Prints a line of its own that stays, above the line that is being rewritten. */
  line(text: string): void {
    this.clear();
    this.output.write(`${text}\n`);
  }

  private finish(step: RunningStep, outcome: string): void {
    this.running.splice(this.running.indexOf(step), 1);
    if (this.running.length === 0) this.stopTimer();
    this.line(`${this.count(step)} ${step.title}: ${outcome} ${duration(this.now() - step.startedAt)}`);
  }

  private count(step: RunningStep): string {
    return `[${step.number}/${this.started + this.pending.length}]`;
  }

  private next(): string {
    const [first] = this.pending;
    return first === undefined ? "" : `; next: ${first}`;
  }

  private startTimer(): void {
    if (this.timer !== undefined) return;
    const show = () => (this.output.isTTY ? this.rewrite() : this.heartbeat());
    this.timer = setInterval(show, this.output.isTTY ? 250 : this.heartbeatMs);
    this.timer.unref();
  }

  private stopTimer(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private describe(step: RunningStep): string {
    const detail = step.detail === "" ? "" : ` (${step.detail})`;
    return `${this.count(step)} ${step.title}: ${duration(this.now() - step.startedAt)} so far${detail}`;
  }

  private heartbeat(): void {
    for (const step of this.running) this.line(`${this.describe(step)}${this.next()}`);
  }

  private rewrite(): void {
    const text = this.running.map((step) => this.describe(step)).join(" | ") + this.next();
    this.clear();
    this.output.write(text.slice(0, (this.output.columns ?? 80) - 1));
    this.rewriting = true;
  }

  private clear(): void {
    if (this.rewriting) this.output.write("\r\u001b[K");
    this.rewriting = false;
  }
}

/** A duration for people: "0.4 s", "12 s", "3 min 05 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}
