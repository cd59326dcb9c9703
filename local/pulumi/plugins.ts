import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { textAt } from "../tools/json";
import { LocalError, run, sleep } from "../tools/run";
import { versions } from "../tools/tools";

const loadPackage = createRequire(__filename);
const randomVersion = textAt(loadPackage("@pulumi/random/package.json"), "version") ?? "";
const pluginSource = join(__dirname, "random-plugin");

const userHome = (): string => process.env.PULUMI_HOME || join(homedir(), ".pulumi");

/** Makes `folder` hold what `fill` writes, or nothing when that fails. Two processes may do so at once: the first wins. */
async function replaceFolder(folder: string, fill: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder}.new-${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  try {
    await fill(unfinished);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

/**
 * Puts the two provider plugins into a PULUMI_HOME of our own. Nothing is written into the user's.
 * Official ones are preferred: the user's, else a download; only then ours for random. Takes milliseconds once done.
 */
export async function placePlugins(
  pulumiHome: string,
  tools: { pulumi: string; kubernetesProvider: string },
): Promise<void> {
  const plugins = join(pulumiHome, "plugins");
  mkdirSync(plugins, { recursive: true, mode: 0o700 });
  await placeProvider(plugins, tools.kubernetesProvider);
  await placeRandom(pulumiHome, plugins, tools.pulumi);
}

async function placeProvider(plugins: string, program: string): Promise<void> {
  const folder = join(plugins, `resource-kubernetes-v${versions.kubernetesProvider}`);
  const source = join(folder, "source");
  if (existsSync(source) && readFileSync(source, "utf8") === program) return;
  await replaceFolder(folder, async (unfinished) => {
    symlinkSync(program, join(unfinished, "pulumi-resource-kubernetes"));
    writeFileSync(join(unfinished, "source"), program);
  });
}

async function placeRandom(pulumiHome: string, plugins: string, pulumi: string): Promise<void> {
  const name = `resource-random-v${randomVersion}`;
  const folder = join(plugins, name);
  const official = join(userHome(), "plugins", name);
  const marker = join(folder, "source");
  const digest = sourceDigest();
  const placed = existsSync(marker) ? readFileSync(marker, "utf8") : undefined;
  if (existsSync(join(official, "pulumi-resource-random"))) {
    if (placed === official) return;
    await replaceFolder(folder, async (unfinished) => {
      symlinkSync(join(official, "pulumi-resource-random"), join(unfinished, "pulumi-resource-random"));
      writeFileSync(join(unfinished, "source"), official);
    });
    return;
  }
  // Downloaded by Pulumi: it has no marker of ours.
  if (placed === undefined && existsSync(join(folder, "pulumi-resource-random"))) return;
  if (placed === digest) return;
  // Asked once only; the stored state is the same with either.
  if (placed === undefined && (await downloadRandom(pulumiHome, pulumi))) return;
  await replaceFolder(folder, async (unfinished) => writeOwnPlugin(unfinished, digest));
}

/** Quick to give up: most machines that need our plugin have no way out at all. */
async function downloadRandom(pulumiHome: string, pulumi: string): Promise<boolean> {
  const reachable = await Promise.race([
    lookup("get.pulumi.com")
      .then(() => true)
      .catch(() => false),
    sleep(2_000).then(() => false),
  ]);
  if (!reachable) return false;
  const options = { env: { PULUMI_HOME: pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" }, timeoutMs: 60_000 };
  const { code } = await run(pulumi, ["plugin", "install", "resource", "random", randomVersion], options);
  return code === 0;
}

function sourceDigest(): string {
  const hash = createHash("sha256").update(process.execPath);
  for (const file of readdirSync(pluginSource).sort()) hash.update(readFileSync(join(pluginSource, file)));
  return hash.digest("hex");
}

/** One file that starts in a fifth of a second, with all it needs in it: it works from any checkout. */
async function writeOwnPlugin(folder: string, digest: string): Promise<void> {
  const { build } = await import("esbuild");
  const bundle = await build({
    entryPoints: [join(pluginSource, "main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    outfile: join(folder, "plugin.cjs"),
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new LocalError(`The random plugin could not be made: ${error instanceof Error ? error.message : error}`);
  });
  if (bundle.errors.length > 0) throw new LocalError("The random plugin could not be made.");
  const program = join(folder, "pulumi-resource-random");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/plugin.cjs" "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "source"), digest);
}
