import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { LocalError } from "../tools/run";
import { folders } from "./manifests";

/** The file that says what the folder is, and how its manifests are applied. */
export const guideFile = "README.md";

/** What a render did to its folder: paths below it. */
export interface Written {
  added: string[];
  changed: string[];
  removed: string[];
  unchanged: string[];
}

/** First line of every file that a render writes: without it a file is somebody else's. */
function mark(path: string, stack: string): string {
  const words = `Written by npm run render from stack ${stack}`;
  return path === guideFile ? `<!-- ${words} -->` : `# ${words}: change its settings, not this file.`;
}

/** The stack that a file was rendered from; undefined for a file of somebody else. */
function stackOf(path: string): string | undefined {
  const [line = ""] = readFileSync(path, "utf8").split("\n", 1);
  return /^(?:<!--|#) Written by npm run render from stack ([\w.-]+)/.exec(line)?.[1];
}

/**
 * Makes a folder hold these files, and none of an earlier render beside them. Other people's files stay as they are.
 * @param contents text by path below the folder, among them {@link guideFile}.
 * @throws LocalError before anything is written: for a folder of somebody else or of another stack, for files that are
 * in the way, and for folders that cannot be written.
 */
export function writeFolder(folder: string, stack: string, contents: Readonly<Record<string, string>>): Written {
  try {
    demandOwn(folder, stack);
    const files = Object.entries(contents).map(([path, text]) => ({ path, text: `${mark(path, stack)}\n${text}` }));
    for (const { path } of files) demandFree(folder, path, stack);
    const removed = ownFiles(folder, stack).filter((path) => !(path in contents));
    const written: Written = { added: [], changed: [], removed, unchanged: [] };
    // The guide first: if the rest fails, the folder is known as ours and the next render completes it.
    for (const { path, text } of files.sort((a, b) => Number(b.path === guideFile) - Number(a.path === guideFile))) {
      const target = join(folder, path);
      const before = existsSync(target) ? readFileSync(target, "utf8") : undefined;
      if (before !== text) replaceFile(target, text);
      written[before === undefined ? "added" : before === text ? "unchanged" : "changed"].push(path);
    }
    for (const path of removed) rmSync(join(folder, path));
    return written;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new LocalError(
      `--out ${folder}: cannot be written (${error.message}). ` +
        "Choose a folder that you may write to, or make room there, and start again.",
    );
  }
}

/** @throws LocalError unless the folder is missing, empty, or of an earlier render of this stack. */
function demandOwn(folder: string, stack: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) {
    throw new LocalError(`--out ${folder}: is a file, and render writes a folder. Name a new folder, or an empty one.`);
  }
  // Files with a dot, such as .git, are of those who keep the manifests.
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  if (names.length === 0) return;
  const guide = join(folder, guideFile);
  const owner = names.includes(guideFile) && lstatSync(guide).isFile() ? stackOf(guide) : undefined;
  if (owner === stack) return;
  throw new LocalError(
    owner === undefined
      ? `--out ${folder}: holds files that render did not write (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""}), ` +
          "so nothing was written. Name an empty folder, a new one, or that of an earlier render."
      : `--out ${folder}: holds the manifests of stack ${owner}, which those of ${stack} would replace, so nothing was written. ` +
          "Name a folder of its own for each stack.",
  );
}

/** @throws LocalError where something else than a file of ours is in the way: a link could lead out of the folder. */
function demandFree(folder: string, path: string, stack: string): void {
  const inside = dirname(path);
  if (inside !== "." && isThere(join(folder, inside)) && !lstatSync(join(folder, inside)).isDirectory()) {
    throw inTheWay(folder, inside, "is no folder");
  }
  const target = join(folder, path);
  if (!isThere(target)) return;
  if (!lstatSync(target).isFile()) throw inTheWay(folder, path, "is no plain file");
  const owner = stackOf(target);
  if (owner === undefined) throw inTheWay(folder, path, "was not written by render");
  if (owner !== stack) throw inTheWay(folder, path, `is of stack ${owner}`);
}

const inTheWay = (folder: string, path: string, why: string): LocalError =>
  new LocalError(
    `--out ${folder}: ${path} ${why}, and render would write it, so nothing was written. Move it away and start again.`,
  );

/** Whether there is anything of this name, be it a link that leads nowhere. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The manifests that renders of this stack have written there. */
function ownFiles(folder: string, stack: string): string[] {
  return ["", folders.before, folders.after].flatMap((inside) => {
    const at = join(folder, inside);
    if (!isThere(at) || (inside !== "" && !lstatSync(at).isDirectory())) return [];
    return readdirSync(at)
      .filter((name) => name.endsWith(".yaml"))
      .filter((name) => lstatSync(join(at, name)).isFile() && stackOf(join(at, name)) === stack)
      .map((name) => join(inside, name));
  });
}

/** One level at a time: Node's own recursion never ends where a file system answers oddly, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** Completely or not at all. */
function replaceFile(path: string, text: string): void {
  makeFolder(dirname(path));
  const temporary = join(dirname(path), `.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
