import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { projectFolder } from "../local/pulumi/paths";
import { placePlugins } from "../local/pulumi/plugins";
import type { StackConfig } from "../local/pulumi/stack-file";
import { type GoBuild, goBuild } from "../local/tools/go-build";
import { run } from "../local/tools/run";
import type { Tools } from "../local/tools/tools";

const stack = "bench";

const languageHostBuild: GoBuild = {
  name: "language-host",
  title: "build a language host for Node",
  source: join(__dirname, "language-host"),
  programs: [{ pkg: ".", file: "pulumi-language-nodejs" }],
  variables: [],
};

/** What one run of Pulumi took. */
export interface Took {
  /** The command, from its start to its end. */
  seconds: number;
  /** Undefined for commands that run no program. */
  program: ProgramRun | undefined;
}

/** What the program's own process needed, as the language host saw it. */
export interface ProgramRun {
  wallMs: number;
  cpuMs: number;
  peakBytes: number;
  /** Calls to the engine, by name. */
  calls: Record<string, number>;
}

/** Pulumi's own CLI as a person has it, with plugins, a state and a folder of its own. */
export class Pulumi {
  private constructor(
    private readonly cli: string,
    /** All that is kept for it. */
    readonly folder: string,
    private readonly environment: Record<string, string>,
  ) {}

  static async create(tools: Tools, note: (words: string) => void): Promise<Pulumi> {
    const languageHost = await goBuild(languageHostBuild, note);
    const folder = mkdtempSync(join(tmpdir(), "bench-pulumi-"));
    const home = join(folder, "home");
    mkdirSync(join(folder, "state"));
    await placePlugins(home, tools);
    return new Pulumi(tools.pulumi, folder, {
      PATH: [languageHost, dirname(tools.pulumi), process.env.PATH].join(":"),
      PULUMI_HOME: home,
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
    });
  }

  /**
   * A project of its own with these files, and the npm packages of this checkout.
   * @param entries files and folders of `from` that it consists of; all of them unless it says otherwise.
   * @param complete writes what else it consists of.
   */
  async project(
    name: string,
    config: StackConfig,
    from: string,
    entries: readonly string[] = ["."],
    complete: (folder: string) => void = () => undefined,
  ): Promise<Project> {
    const folder = join(this.folder, name);
    for (const entry of entries) cpSync(join(from, entry), join(folder, entry), { recursive: true });
    complete(folder);
    linkPackages(folder);
    const project = new Project(this.cli, folder, this.environment);
    await project.pulumi("stack", "init", stack);
    project.configure(config);
    return project;
  }

  /** Where the state of a project's stack is. */
  checkpoint(project: string): string {
    return join(this.folder, "state", ".pulumi", "stacks", project, `${stack}.json`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export class Project {
  constructor(
    private readonly cli: string,
    readonly folder: string,
    private readonly environment: Record<string, string>,
  ) {}

  /** @throws Error with all that Pulumi says, when it does not succeed. */
  async pulumi(...args: string[]): Promise<Took> {
    // Of each project its own: two of them may run at once.
    const runs = join(this.folder, "..", `${basename(this.folder)}.runs`);
    rmSync(runs, { force: true });
    const started = performance.now();
    const options = { cwd: this.folder, env: { ...this.environment, BENCH_RUNS: runs } };
    const { code, stdout, stderr } = await run(this.cli, [...args, "--non-interactive"], options);
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with code ${code}:\n${stdout}${stderr}`);
    return { seconds, program: programRun(runs) };
  }

  /** Gives the stack these settings instead of those it had. */
  configure(config: StackConfig): void {
    const file = join(this.folder, `Pulumi.${stack}.yaml`);
    const { encryptionsalt } = parse(readFileSync(file, "utf8"));
    writeFileSync(file, stringify({ encryptionsalt, config }));
  }

  /** The same stack by another copy of its program. @param settings what differs in Pulumi.yaml. */
  variant(name: string, settings: object = {}): Project {
    const folder = join(this.folder, "..", name);
    cpSync(this.folder, folder, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
    linkPackages(folder);
    const file = join(folder, "Pulumi.yaml");
    writeFileSync(file, stringify({ ...parse(readFileSync(file, "utf8")), ...settings }));
    return new Project(this.cli, folder, this.environment);
  }

  up(...args: string[]): Promise<Took> {
    return this.pulumi("up", "--yes", "--skip-preview", "--stack", stack, ...args);
  }

  preview(...args: string[]): Promise<Took> {
    return this.pulumi("preview", "--stack", stack, ...args);
  }

  /** Takes down what it made, protected or not; the stack stays. */
  async down(...args: string[]): Promise<void> {
    await this.pulumi("state", "unprotect", "--all", "--yes", "--stack", stack).catch(() => undefined);
    await this.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack, ...args);
  }

  /** Takes down what it made, and the stack. */
  destroy(): Promise<void> {
    return this.down("--remove");
  }
}

/** A folder of packages for itself: what start.cjs keeps in it is for one project. */
function linkPackages(folder: string): void {
  const from = join(projectFolder, "node_modules");
  const to = join(folder, "node_modules");
  mkdirSync(to);
  for (const name of readdirSync(from).filter((name) => name !== ".cache"))
    symlinkSync(join(from, name), join(to, name));
}

function programRun(file: string): ProgramRun | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
