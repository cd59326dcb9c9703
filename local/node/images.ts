import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Note, Progress } from "../progress";
import { toolsHome } from "../tools/home";
import { parseJson, textAt } from "../tools/json";
import { LocalError, run, runOrThrow } from "../tools/run";
import { makeFolder } from "../tools/work-folder";
import { pauseImage } from "./config-files";
import { type ImageConfig, writeOciLayout } from "./oci";
import { containerdSocket } from "./settings";

/** PostgreSQL 15 from Debian 12; the embedded node can pull from no registry. */
export const postgresImage = "localhost/postgres:15-bookworm";

/** An image made here. */
export interface Recipe {
  /** What pods call it. */
  reference: string;
  title: string;
  config: ImageConfig;
  /** Everything that decides what is in the image; a change makes it anew. */
  ingredients: string;
  /** Fills the root folder of the image. */
  fill: (rootfs: string, note: Note) => Promise<void>;
}

// With psycopg2 the same image runs examples/app.
const packages = "postgresql-15,ca-certificates,python3-psycopg2";

const postgresBin = "/usr/lib/postgresql/15/bin";

/** uid and gid 999 are those of the official image, so that either image can use the other's volumes. */
const shrink = `
set -eu
groupmod -g 999 postgres
usermod -u 999 -g 999 postgres
rm -rf /var/lib/postgresql/* /etc/postgresql/* /var/log/* /var/cache/apt/* /var/lib/apt/lists/* /var/cache/debconf/*-old
chown -R 999:999 /var/lib/postgresql /run/postgresql
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type l -delete
rm -rf /usr/share/man/* /usr/share/info/* /usr/share/locale/* /usr/share/lintian
`;

const postgresRecipe: Recipe = {
  reference: postgresImage,
  title: "make the PostgreSQL image from Debian packages",
  config: {
    User: "999",
    Env: [`PATH=${postgresBin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, "LANG=C.UTF-8"],
    Cmd: ["postgres"],
  },
  ingredients: `bookworm minbase ${packages}${shrink}`,
  fill: async (rootfs, note) => {
    const mirror = await debianMirror();
    const base = ["--variant=minbase", `--include=${packages}`, "bookworm", rootfs, ...mirror];
    // In mount and pid namespaces of its own, so that what it mounts or starts cannot stay behind.
    const alone = ["--mount", "--pid", "--fork", "--kill-child"];
    const onLine = (line: string): void => note(line.replace(/^I: /, "").slice(0, 50));
    await runOrThrow("unshare", [...alone, "debootstrap", ...base], { onLine });
    note("removing what is not needed");
    await runOrThrow("unshare", [...alone, "chroot", rootfs, "/bin/sh", "-c", shrink]);
  },
};

/** Where this machine's own packages come from, so that a company's mirror is used; debootstrap's default otherwise. */
async function debianMirror(): Promise<string[]> {
  const listed = await run("apt-get", ["indextargets", "--format", "$(REPO_URI) $(LABEL) $(COMPONENT)"]);
  const main = listed.stdout.split("\n").find((line) => line.endsWith(" Debian main"));
  const uri = main?.split(" ")[0];
  return uri === undefined ? [] : [uri];
}

const pauseRecipe = (pauseFolder: string): Recipe => ({
  reference: pauseImage,
  title: "make the pause image",
  config: { User: "65535", Entrypoint: ["/pause"] },
  ingredients: basename(pauseFolder),
  fill: async (rootfs) => {
    mkdirSync(rootfs, { recursive: true });
    copyFileSync(join(pauseFolder, "pause"), join(rootfs, "pause"));
    chmodSync(join(rootfs, "pause"), 0o755);
  },
});

function layoutFolder(recipe: Recipe): string {
  const hash = createHash("sha256").update(JSON.stringify([recipe.config, recipe.ingredients]));
  const name = basename(recipe.reference).replace(/:.*/, "");
  return join(toolsHome(), `image-${name}-${hash.digest("hex").slice(0, 12)}`);
}

const makeImage = (recipe: Recipe, note: Note): Promise<void> =>
  makeFolder(layoutFolder(recipe), async (layout) => {
    const rootfs = `${layout}-rootfs`;
    await recipe.fill(rootfs, note);
    note("packing the layer");
    await writeOciLayout(layout, rootfs, recipe.reference, recipe.config);
  });

const recipes = (pauseFolder: string): Recipe[] => [pauseRecipe(pauseFolder), postgresRecipe];

/** Makes the images that were never made, as files; containerd need not run. Makes PostgreSQL's in about a minute. */
export async function makeImages(progress: Progress, pauseFolder: string): Promise<void> {
  const missing = recipes(pauseFolder).filter((recipe) => !existsSync(layoutFolder(recipe)));
  progress.plan(...missing.map((recipe) => recipe.title));
  for (const recipe of missing) await progress.step(recipe.title, (note) => makeImage(recipe, note));
}

const ctr = ["--address", containerdSocket, "--namespace", "k8s.io"];

/** Gives the images to containerd, each once. */
export async function importImages(pauseFolder: string, note: Note): Promise<void> {
  for (const recipe of recipes(pauseFolder)) await importImage(recipe, note);
}

/** Makes an image that is no part of the node itself, and gives it to containerd; nothing where that was done before. */
export async function provideImage(recipe: Recipe, note: Note): Promise<void> {
  await makeImage(recipe, note);
  await importImage(recipe, note);
}

async function importImage(recipe: Recipe, note: Note): Promise<void> {
  const layout = layoutFolder(recipe);
  const digest = textAt(parseJson(readFileSync(join(layout, "index.json"), "utf8")), "manifests", 0, "digest") ?? "";
  const listed = await runOrThrow("ctr", [...ctr, "images", "list"]);
  const known = listed.split("\n").some((line) => line.startsWith(`${recipe.reference} `) && line.includes(digest));
  if (known) return;
  note(`importing ${recipe.reference}`);
  await importLayout(layout);
}

function importLayout(layout: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const tar = spawn("tar", ["-C", layout, "-cf", "-", "."], { stdio: ["ignore", "pipe", "ignore"] });
    const load = spawn("ctr", [...ctr, "images", "import", "-"], { stdio: [tar.stdout, "ignore", "pipe"] });
    let said = "";
    load.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    tar.on("error", reject);
    load.on("error", reject);
    load.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new LocalError(`containerd could not import ${layout}:\n  ${said.trim()}`));
    });
  });
}
