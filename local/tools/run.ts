import { spawn } from "node:child_process";

/** A failure to show to a person as it is: what was asked, why it cannot work, what to do next. No stack trace. */
export class LocalError extends Error {
  override name = "LocalError";
}

export interface RunOptions {
  cwd?: string;
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** Written to standard input, which is closed otherwise. */
  input?: string | Buffer;
  /** Called with every line of both outputs as it comes. */
  onLine?: (line: string) => void;
  /** Milliseconds after which the program is ended with SIGKILL. Default: none. */
  timeoutMs?: number;
}

export interface RunResult {
  /** The exit code; 128 + 9 stands for any signal. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever its exit code. Rejects only if it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    const collect = (stream: NodeJS.ReadableStream): (() => string) => {
      let text = "";
      let unfinished = "";
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        text += chunk;
        if (options.onLine === undefined) return;
        const lines = (unfinished + chunk).split("\n");
        unfinished = lines.pop() ?? "";
        lines.forEach(options.onLine);
      });
      return () => text;
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
    child.on("error", (error) => reject(new LocalError(`${command} could not be started: ${error.message}`)));
    // Whatever the program has started may hold its outputs open for as long as it likes.
    child.on("exit", () => {
      if (!child.killed) return;
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.on("close", (code) => resolve({ code: code ?? 137, stdout: stdout(), stderr: stderr() }));
  });
}

/** Runs a program that has to succeed; returns its standard output. The error carries its last lines. */
export async function runOrThrow(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, args, options);
  if (result.code === 0) return result.stdout;
  const said = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-12).join("\n  ");
  throw new LocalError(`${command} ${args.slice(0, 3).join(" ")} ... ended with code ${result.code}:\n  ${said}`);
}

/** Waits this many milliseconds. */
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks again and again until the answer is true; false when `timeoutMs` passed first. */
export async function until(
  question: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 100,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await question()) return true;
    if (Date.now() >= deadline) return false;
    await sleep(everyMs);
  }
}
