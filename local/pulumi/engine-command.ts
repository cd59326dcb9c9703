import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, renameSync, statSync } from "node:fs";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { LocalError } from "../tools/run";

/** The engine ended with an error. `stderr` has its words. */
export class EngineError extends LocalError {
  constructor(
    readonly stdout: string,
    readonly stderr: string,
    readonly code: number,
  ) {
    super(engineWords(stdout, stderr) || `Pulumi ended with code ${code}.`);
  }
}

/** The error lines of an engine's output, without the program's stack trace. */
function engineWords(stdout: string, stderr: string): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  const errors = lines.filter(
    (line) => /^(error|warning):/.test(line) && !/^error: (update|preview) failed$/.test(line),
  );
  return [...new Set(errors)].map((line) => line.replace(/^(error: )+/, "")).join("\n");
}

// A cancelled engine saves what it has and ends within a second or two; a second SIGINT makes it give up waiting.
const hurryMs = 10_000;
const killMs = 20_000;

/** 4 MiB; one older log is kept. */
const maxLogBytes = 4 * 1024 * 1024;

interface CommandResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** Hears about engines that start and end. */
export interface EngineListener {
  engineStarted(pid: number): void;
  engineEnded(pid: number): void;
  /** A program beside the engine that must not outlive this process. */
  helperStarted(pid: number): void;
}

/**
 * Pulumi's CLI for the Automation API, which calls {@link run}. Unlike the API's own it starts the engine in a process
 * group of its own, so that a Ctrl-C in the terminal reaches it once, through us, and says which process it is.
 */
export class EngineCommand {
  listener: EngineListener | undefined;
  private readonly running = new Set<ChildProcess>();

  private constructor(
    readonly command: string,
    readonly version: PulumiCommand["version"],
    private readonly log: string,
  ) {}

  /** @param log file to which everything the engine says is added. */
  static async at(command: string, log: string): Promise<EngineCommand> {
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(log, `${log}.old`);
    return new EngineCommand(command, await knownVersion(command), log);
  }

  /** Ends every engine that runs now, at once. The state keeps what it has stored so far. */
  kill(): void {
    for (const child of this.running) child.kill("SIGKILL");
  }

  run(
    args: string[],
    cwd: string,
    environment: Record<string, string>,
    onOutput?: (text: string) => void,
    onError?: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.command, [...args, "--non-interactive"], {
        cwd,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: engineEnvironment(environment),
      });
      const { pid } = child;
      this.running.add(child);
      if (pid !== undefined) this.listener?.engineStarted(pid);
      appendFileSync(this.log, `\n${new Date().toISOString()} pulumi ${args.slice(0, 2).join(" ")}\n`);
      const collect = (stream: NodeJS.ReadableStream, tell?: (text: string) => void): (() => string) => {
        let all = "";
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => {
          all += text;
          tell?.(text);
        });
        return () => all;
      };
      const stdout = collect(child.stdout, onOutput);
      const stderr = collect(child.stderr, onError);
      const timers: NodeJS.Timeout[] = [];
      const cancel = (): void => {
        child.kill("SIGINT");
        timers.push(
          setTimeout(() => child.kill("SIGINT"), hurryMs),
          setTimeout(() => child.kill("SIGKILL"), killMs),
        );
      };
      signal?.addEventListener("abort", cancel);
      if (signal?.aborted) cancel();
      const finished = (): void => {
        signal?.removeEventListener("abort", cancel);
        timers.forEach(clearTimeout);
        this.running.delete(child);
        if (pid !== undefined) this.listener?.engineEnded(pid);
      };
      child.on("error", (error) => {
        finished();
        reject(new LocalError(`${this.command} could not be started: ${error.message}`));
      });
      child.on("close", (code) => {
        finished();
        // Results on standard output may hold secrets (stack output --show-secrets): only an update's own report is kept.
        const keep = args[0] === "stack" ? stderr() : `${stdout()}${stderr()}`;
        appendFileSync(this.log, keep);
        if (code === 0) resolve({ stdout: stdout(), stderr: stderr(), code });
        else reject(new EngineError(stdout(), stderr(), code ?? 137));
      });
    });
  }
}

/** This process's environment with the workspace's on top. A passphrase in the former would win over a file of the latter. */
function engineEnvironment(environment: Record<string, string>): NodeJS.ProcessEnv {
  const { PULUMI_CONFIG_PASSPHRASE, ...inherited } = process.env;
  const kept = "PULUMI_CONFIG_PASSPHRASE_FILE" in environment ? {} : { PULUMI_CONFIG_PASSPHRASE };
  return { ...inherited, ...kept, ...environment, PULUMI_AUTOMATION_API: "true" };
}

const versions = new Map<string, Promise<PulumiCommand["version"]>>();

/** Asked once in the life of this process: it takes the CLI a third of a second to say. */
function knownVersion(command: string): Promise<PulumiCommand["version"]> {
  const version = versions.get(command) ?? engineVersion(command);
  versions.set(command, version);
  return version;
}

/** Checks that the CLI is new enough for the SDK, in the SDK's own words. */
async function engineVersion(command: string): Promise<PulumiCommand["version"]> {
  const path = process.env.PATH ?? "";
  const folder = command.slice(0, command.lastIndexOf("/"));
  if (folder !== "" && !path.split(":").includes(folder)) process.env.PATH = `${folder}:${path}`;
  try {
    return (await PulumiCommand.get()).version;
  } catch (error) {
    throw new LocalError(`${command} cannot be used: ${error instanceof Error ? error.message : error}`);
  }
}
