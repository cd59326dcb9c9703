import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Progress } from "../local/progress";
import { type DebianPackage, ensureDebianPackages } from "../local/tools/debian";
import { type GoBuild, goBuild } from "../local/tools/go-build";
import { missingBuilds, ownBuilds } from "../local/tools/tools";
import { faultTable, recordedFaults } from "./fault-table";
import { repetitions } from "./repetitions";
import { recordRun } from "./run-record";
import { gitHubJobs, gitLabJobs } from "./workflows";

const root = join(__dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

interface Counts {
  passes: number;
  failures: number;
  pending: number;
  /** What failed: its title, and the reason in lines of its own. */
  failed: string[];
}

const none = (): Counts => ({ passes: 0, failures: 0, pending: 0, failed: [] });

function add(total: Counts, more: Counts): void {
  total.passes += more.passes;
  total.failures += more.failures;
  total.pending += more.pending;
  total.failed.push(...more.failed);
}

const tiers = ["check", "unit", "commands", "scan", "bootstrap", "cluster"] as const;
/** What can be run: the tiers, and the faults of two of them in full. */
type Suite = (typeof tiers)[number] | "faults";
const suites: readonly Suite[] = [...tiers, "faults"];

const server: DebianPackage = { name: "postgresql-15", provides: "/usr/lib/postgresql/15/bin/initdb" };
const client: DebianPackage = {
  name: "python3-psycopg2",
  provides: "/usr/lib/python3/dist-packages/psycopg2/__init__.py",
};

/** Debian packages that a suite needs beside those the embedded node installs itself. */
const packages: Record<Suite, DebianPackage[]> = {
  check: [{ name: "shellcheck", provides: "shellcheck" }],
  unit: [],
  commands: [{ name: "valgrind", provides: "valgrind" }],
  scan: [],
  bootstrap: [server],
  cluster: [client],
  faults: [server, client],
};

/** Tests that run side by side, each file in a process of its own. */
interface Batch {
  specs: string[];
  jobs: number;
}

const clusterTests = (...names: string[]): string[] => names.map((name) => `test/cluster/${name}.test.ts`);
/** They stop the node, restart its services, or measure fractions of a second. */
const alone = clusterTests("faults/gaps", "faults/node", "node");
/** They look at all that goes on on the machine, or at all that the API server was asked, or run three clusters at once. */
const apart = clusterTests("secrets", "pod-security", "faults/minute");

/** The tests of a suite, in the order in which they run. */
async function batches(suite: Suite): Promise<Batch[]> {
  switch (suite) {
    case "cluster":
      // More than two at once keep two cores so busy that they make each other late, and are no sooner done.
      return [
        { specs: alone, jobs: 1 },
        { specs: apart, jobs: 2 },
        {
          specs: ["test/cluster/**/*.test.ts", ...[...alone, ...apart].flatMap((file) => ["--ignore", file])],
          jobs: 2,
        },
      ];
    case "bootstrap": {
      // It measures how soon a crashed server is back.
      const crash = "test/bootstrap/crash.test.ts";
      return [
        { specs: [crash], jobs: 1 },
        { specs: ["test/bootstrap/**/*.test.ts", "--ignore", crash], jobs: 2 },
      ];
    }
    case "unit":
    case "commands":
      return [{ specs: [`test/${suite}/**/*.test.ts`], jobs: 2 }];
    case "faults":
      return [{ specs: await faults(), jobs: 1 }];
    default:
      return [{ specs: [`test/${suite}/**/*.test.ts`], jobs: 1 }];
  }
}

/** What the table of faults is made of; measured one after the other. */
async function faults(): Promise<string[]> {
  const own = ["test/bootstrap/crash.test.ts", "test/cluster/faults/*.test.ts"];
  // Loaded when asked for, with the engine's SDK behind it.
  const {
    CloudNativePg,
  }: typeof import("./cluster/faults/cloudnative-pg") = require("./cluster/faults/cloudnative-pg");
  if (await CloudNativePg.isInstalled()) return [...own, "test/cluster/faults/comparison.ts"];
  console.log("Nothing to compare with: the embedded node has no operator of CloudNativePG.");
  return own;
}

/** What a suite needs is there before a test's time begins: on a new machine the node is built first, a quarter of an hour. */
async function prepare(suite: Suite): Promise<void> {
  await ensureDebianPackages(new Progress(), packages[suite]);
  if (suite !== "cluster" && suite !== "faults") return;
  // Loaded when asked for, with the engine's SDK behind it.
  const { embeddedNode }: typeof import("./cluster/stack") = require("./cluster/stack");
  await embeddedNode();
}

/** How often the faults are provoked when they are what is asked for; each once or a few times otherwise. */
const inFull = () => ({ KILLS: `${repetitions("KILLS", 60)}`, FAULT_TRIES: `${repetitions("FAULT_TRIES", 20)}` });

function run(command: string, args: string[], options: SpawnOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

const actionlintBuild: GoBuild = {
  name: "actionlint",
  title: "build actionlint",
  source: join(root, "local", "tools", "actionlint"),
  programs: [{ pkg: "github.com/rhysd/actionlint/cmd/actionlint", file: "actionlint" }],
  variables: [],
};

/** The checker of GitHub's workflows, which has shellcheck look at their scripts; built once, in seconds. */
async function actionlint(): Promise<string> {
  return join(await new Progress().step(actionlintBuild.title, (note) => goBuild(actionlintBuild, note)), "actionlint");
}

/** Static checks: each is one test. */
async function check(): Promise<Counts> {
  const scripts = join(root, "components", "postgres", "scripts");
  const shell = readdirSync(scripts)
    .filter((file) => file.endsWith(".sh"))
    .map((file) => join(scripts, file));
  const jobs = mkdtempSync(join(tmpdir(), "jobs-"));
  const checks: [string, string, string[]][] = [
    ["format and lint", bin("biome"), ["check", "--error-on-warnings", "."]],
    ["types", bin("tsc"), ["--noEmit"]],
    ["shell scripts", "shellcheck", ["--external-sources", ...shell, join(root, ".ci", "run")]],
    ["workflows of GitHub", await actionlint(), ["-color"]],
    ["scripts of GitLab's jobs and of GitHub's action", "shellcheck", ["--shell", "bash", ...writeJobs(jobs)]],
  ];
  const counts = none();
  for (const [title, command, args] of checks) {
    const passed = (await run(command, args)) === 0;
    console.log(`  ${passed ? "✔" : "✖"} ${title}`);
    counts[passed ? "passes" : "failures"] += 1;
    if (!passed) counts.failed.push(title);
  }
  rmSync(jobs, { recursive: true });
  return counts;
}

/** Writes each script that actionlint does not look at to a file, and returns the files. */
function writeJobs(folder: string): string[] {
  const prepare = gitHubJobs().filter(({ name }) => name === "prepare");
  return [...gitLabJobs(), ...prepare].map(({ name, lines }) => {
    const file = join(folder, name);
    writeFileSync(file, `${lines.join("\n")}\n`);
    return file;
  });
}

async function mocha(suite: Suite): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "counts-"));
  const table = join(folder, "faults");
  const total = none();
  try {
    for (const batch of await batches(suite)) {
      const environment = { ...process.env, ...(suite === "faults" && inFull()), FAULT_TABLE: table };
      add(total, await runBatch(batch, environment, join(folder, "counts.json")));
    }
    const rows = recordedFaults(table);
    if (rows.length > 0) console.log(`${faultTable(rows)}\n`);
    return total;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runBatch({ specs, jobs }: Batch, environment: NodeJS.ProcessEnv, file: string): Promise<Counts> {
  const args = ["--forbid-only", "--forbid-pending", "--reporter", join(root, "test", "reporter.cjs")];
  const parallel = jobs > 1 ? ["--parallel", "--jobs", `${jobs}`] : [];
  rmSync(file, { force: true });
  const code = await run(bin("mocha"), [...args, ...parallel, ...specs], { env: { ...environment, COUNTS: file } });
  // One that ends before its tests do must not take the others' results with it.
  if (!existsSync(file))
    return { ...none(), failures: 1, failed: [`mocha ended with code ${code}: ${specs.join(" ")}`] };
  const counts: Counts = JSON.parse(readFileSync(file, "utf8"));
  if (counts.passes + counts.failures === 0) throw new Error(`no test in ${specs.join(" ")}`);
  // A failing hook or a crash after the last test must not pass for a green run.
  return code !== 0 && counts.failures === 0
    ? { ...counts, failures: 1, failed: [`mocha, with exit code ${code}`] }
    : counts;
}

async function main(asked: string[]): Promise<number> {
  const unknown = asked.filter((suite) => !suites.some((known) => known === suite));
  if (unknown.length > 0) throw new Error(`unknown suite ${unknown.join(", ")}: there are ${suites.join(", ")}`);
  const total = none();
  const summary: string[] = [];
  const wanted = asked.length === 0 ? tiers : suites.filter((known) => asked.includes(known));
  const [missing, all] = [missingBuilds, ownBuilds].map((builds) => builds(["node", "pulumi"]).length);
  const begun = Date.now();
  const taken: Record<string, number> = {};
  for (const suite of wanted) {
    const started = Date.now();
    console.log(`\n== ${suite}`);
    await prepare(suite);
    const counts = suite === "check" ? await check() : await mocha(suite);
    taken[suite] = secondsSince(started);
    summary.push(`${suite}: ${counts.passes} passed, ${counts.failures} failed in ${taken[suite]} s`);
    add(total, { ...counts, failed: counts.failed.map((failure) => `${suite}: ${failure}`) });
  }
  const failures = total.failures + total.pending;
  // One that found some of its tools is of neither kind.
  if (asked.length === 0 && failures === 0 && (missing === 0 || missing === all))
    recordRun({ at: new Date().toISOString(), cold: missing !== 0, seconds: secondsSince(begun), tiers: taken });
  // Once more at the end: of a long run only the end may be kept.
  if (total.failed.length > 0) console.log(`\nFailed:\n${total.failed.map((failure) => `  ${failure}`).join("\n")}`);
  console.log(`\n${summary.join("\n")}\n${total.passes} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

const secondsSince = (started: number): number => Math.round((Date.now() - started) / 1000);

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(`The tests could not run: ${error.message}`);
    process.exitCode = 1;
  },
);
