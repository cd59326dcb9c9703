import { type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Progress } from "../local/progress";
import { type DebianPackage, ensureDebianPackages } from "../local/tools/debian";

const root = join(__dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

interface Counts {
  passes: number;
  failures: number;
  pending: number;
}

const tiers = ["check", "unit", "bootstrap", "cluster"] as const;
type Tier = (typeof tiers)[number];

/** Debian packages that a tier needs beside those the embedded node installs itself. */
const packages: Record<Tier, DebianPackage[]> = {
  check: [{ name: "shellcheck", provides: "shellcheck" }],
  unit: [],
  bootstrap: [{ name: "postgresql-15", provides: "/usr/lib/postgresql/15/bin/initdb" }],
  cluster: [{ name: "python3-psycopg2", provides: "/usr/lib/python3/dist-packages/psycopg2/__init__.py" }],
};

function run(command: string, args: string[], options: SpawnOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Static checks: each is one test. */
async function check(): Promise<Counts> {
  const scripts = join(root, "components", "postgres", "scripts");
  const shell = readdirSync(scripts)
    .filter((file) => file.endsWith(".sh"))
    .map((file) => join(scripts, file));
  const checks: [string, string, string[]][] = [
    ["format and lint", bin("biome"), ["check", "--error-on-warnings", "."]],
    ["types", bin("tsc"), ["--noEmit"]],
    ["shell scripts", "shellcheck", ["--external-sources", ...shell, join(root, ".ci", "run")]],
  ];
  const counts = { passes: 0, failures: 0, pending: 0 };
  for (const [title, command, args] of checks) {
    const passed = (await run(command, args)) === 0;
    console.log(`  ${passed ? "✔" : "✖"} ${title}`);
    counts[passed ? "passes" : "failures"] += 1;
  }
  return counts;
}

async function mocha(tier: Tier): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "counts-"));
  const file = join(folder, "counts.json");
  try {
    const args = ["--forbid-only", "--forbid-pending", "--reporter", join(root, "test", "reporter.cjs")];
    const code = await run(bin("mocha"), [...args, `test/${tier}/**/*.test.ts`], {
      env: { ...process.env, COUNTS: file },
    });
    const counts: Counts = JSON.parse(readFileSync(file, "utf8"));
    if (counts.passes + counts.failures === 0) throw new Error(`tier ${tier} ran no test`);
    // A failing hook or a crash after the last test must not pass for a green run.
    return code !== 0 && counts.failures === 0 ? { ...counts, failures: 1 } : counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(asked: string[]): Promise<number> {
  const unknown = asked.filter((tier) => !tiers.some((known) => known === tier));
  if (unknown.length > 0) throw new Error(`unknown tier ${unknown.join(", ")}: the tiers are ${tiers.join(", ")}`);
  const total = { passes: 0, failures: 0, pending: 0 };
  const summary: string[] = [];
  for (const tier of tiers.filter((known) => asked.length === 0 || asked.includes(known))) {
    const started = Date.now();
    console.log(`\n== ${tier}`);
    await ensureDebianPackages(new Progress(), packages[tier]);
    const counts = tier === "check" ? await check() : await mocha(tier);
    summary.push(
      `${tier}: ${counts.passes} passed, ${counts.failures} failed in ${Math.round((Date.now() - started) / 1000)} s`,
    );
    total.passes += counts.passes;
    total.failures += counts.failures + counts.pending;
  }
  console.log(`\n${summary.join("\n")}\n${total.passes} passed, ${total.failures} failed`);
  return total.failures === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(`The tests could not run: ${error.message}`);
    process.exitCode = 1;
  },
);
