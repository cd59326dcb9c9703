// Starts the program, index.ts. Pulumi's own way, ts-node, reads, checks and compiles every file at each start; that takes
// longer than all the rest of a preview. Here esbuild makes one file of the program and of what it uses beside Pulumi's
// packages. That file is kept, with a digest of all it was made of: it is run as long as the digest holds, and made anew
// when anything has changed. docs/decisions/start.md has what else was tried.
const { createHash } = require("node:crypto");
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join } = require("node:path");

const file = join(__dirname, "node_modules", ".cache", "kubernetes-postgres", "program.cjs");

/** Runs the program and resolves to what it exports: the outputs of the stack. */
module.exports = async () => {
  const text = kept() ?? (await make());
  // Pulumi's host has every stack trace translated by source maps, and the SDK takes a dozen of them for each resource:
  // half of the program's time. They are read by nobody unless the program is at fault.
  Error.prepareStackTrace = undefined;
  const program = new Module(file);
  program.filename = file;
  program.paths = module.paths;
  program._compile(text, file);
  return { ...program.exports };
};

/** What was made before, unless a file that went into it is another one now. */
function kept() {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const [, digest, inputs, code] = /^\/\/ (\w+) ([^\n]*)\n(.*)/s.exec(text) ?? [];
  return inputs !== undefined && digest === digestOf(JSON.parse(inputs), code) ? text : undefined;
}

/** Of the files that went into it, of where they are, of this one, which says how they are put together, and of the result. */
function digestOf(inputs, code) {
  const hash = createHash("sha256").update(code);
  for (const path of [__filename, ...inputs.map((input) => join(__dirname, input))]) {
    if (!existsSync(path)) return undefined;
    hash.update(`\0${path}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

async function make() {
  // Loaded when it is needed: seldom.
  const { build } = require("esbuild");
  const { metafile, outputFiles } = await build({
    absWorkingDir: __dirname,
    entryPoints: ["index.ts"],
    outfile: file,
    bundle: true,
    platform: "node",
    target: "node20",
    // The engine's host has loaded the SDK before; the others load what they need of themselves.
    external: ["@pulumi/*"],
    // What a package has as modules, so that only what is used of it is taken.
    mainFields: ["module", "main"],
    tsconfigRaw: {},
    metafile: true,
    write: false,
    plugins: [ownFolders],
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  const code = outputFiles[0].text;
  const text = `// ${digestOf(inputs, code)} ${JSON.stringify(inputs)}\n${code}`;
  keep(text);
  return text;
}

/** Files that look for others beside them go on finding them. */
const ownFolders = {
  name: "own folders",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!/\b__dirname\b/.test(source)) return undefined;
      return { loader: "ts", contents: source.replaceAll(/\b__dirname\b/g, JSON.stringify(dirname(path))) };
    });
  },
};

/** Two that start at once may both make it, and one that cannot be kept is made again the next time. */
function keep(text) {
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(unfinished, text);
    renameSync(unfinished, file);
  } catch {
    // A folder of packages that cannot be written to.
  }
}
