import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import type { Note } from "../progress";
import { findCommand } from "./debian";
import { toolsHome } from "./home";
import { LocalError, run } from "./run";
import { makeFolder } from "./work-folder";

/** Programs that one `go build` makes from a folder with its own go.mod and go.sum. */
export interface GoBuild {
  /** Name of the result's folder below the tools folder. */
  name: string;
  /** What a person reads while it is built. */
  title: string;
  /** Folder of go.mod; never written to. */
  source: string;
  /** Packages to build and the file name each gets. */
  programs: readonly { pkg: string; file: string }[];
  /** Further names of a program: file name to links beside it. */
  links?: { file: string; names: readonly string[] };
  /** `package.variable=value` pairs set by the linker. */
  variables: readonly string[];
  /** More flags for `go build`. */
  flags?: readonly string[];
  /** Completes the copy of the source before it is built. */
  prepare?: (copy: string) => Promise<void>;
}

/** Folder of a build's result; its name changes with everything that goes into the build. */
export function buildFolder(build: GoBuild): string {
  const hash = createHash("sha256");
  for (const file of sourceFiles(build.source)) {
    hash
      .update(`${relative(build.source, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  hash.update(JSON.stringify([build.programs, build.links, build.variables, build.flags]));
  return join(toolsHome(), `${build.name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Whether nothing is left to build. */
export const isBuilt = (build: GoBuild): boolean => existsSync(buildFolder(build));

/** go.mod, go.sum and Go files; other files are made by a build and are not part of its source. */
function sourceFiles(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return sourceFiles(path);
      return /^go\.(mod|sum)$|\.go$/.test(name) ? [path] : [];
    });
}

/** Builds into a temporary folder and renames it, so that a result that exists is complete. Returns its folder. */
export async function goBuild(build: GoBuild, note: Note): Promise<string> {
  const result = buildFolder(build);
  if (existsSync(result)) return result;
  const go = findCommand("go");
  if (go === undefined) {
    throw new LocalError(
      `To ${build.title}, Go is needed, and no "go" was found in PATH.\n` +
        "Install Go 1.25 or newer and start again, or choose a cluster of your own with KUBECONFIG.",
    );
  }
  await makeFolder(result, async (out) => {
    const copy = `${out}-source`;
    for (const file of sourceFiles(build.source)) {
      cpSync(file, join(copy, relative(build.source, file)), { recursive: true });
    }
    await build.prepare?.(copy);
    await compile(go, build, copy, out, note);
    for (const name of build.links?.names ?? []) symlinkSync(build.links?.file ?? "", join(out, name));
  });
  return result;
}

async function compile(go: string, build: GoBuild, copy: string, out: string, note: Note): Promise<void> {
  note("loading modules");
  const packages = build.programs.map((program) => program.pkg);
  const env = { GOFLAGS: "-mod=readonly", GOWORK: "off" };
  const onDownload = (line: string): void => {
    if (line.startsWith("go: ")) note(line.slice(4, 64));
  };
  const listed = await run(go, ["list", "-deps", ...packages], { cwd: copy, env, onLine: onDownload });
  const total = listed.stdout.split("\n").length;
  let compiled = 0;
  // `-v` names each package as it is compiled; those in Go's cache are not named.
  const onLine = (line: string): void => {
    onDownload(line);
    if (line.startsWith("go: ")) return;
    compiled += 1;
    note(`${compiled} of at most ${total} packages compiled`);
  };
  const linker = ["-s", "-w", ...build.variables.map((variable) => `-X ${variable}`)].join(" ");
  const flags = ["-v", "-buildvcs=false", `-ldflags=${linker}`, ...(build.flags ?? [])];
  for (const { pkg, file } of build.programs) {
    const done = await run(go, ["build", ...flags, "-o", join(out, file), pkg], { cwd: copy, env, onLine });
    if (done.code !== 0) throw buildError(build, done.stderr);
  }
}

function buildError(build: GoBuild, stderr: string): LocalError {
  const said = stderr
    .split("\n")
    .filter((line) => line.includes(" ") && !line.startsWith("#"))
    .slice(-8)
    .join("\n  ");
  return new LocalError(
    `Could not ${build.title}:\n  ${said}\n` +
      "If modules could not be loaded, check GOPROXY and the network; if space ran out, free some. What was compiled so far is kept: start again.",
  );
}
