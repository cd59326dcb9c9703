import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "./plan";

const load = createRequire(__filename);

describe("the start of the program", () => {
  let folder: string;
  let start: () => Promise<Record<string, unknown>>;
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  const packages = (...names: string[]): void => {
    rmSync(join(folder, "node_modules"), { recursive: true, force: true });
    mkdirSync(join(folder, "node_modules"));
    for (const name of names) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  };

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "start-")));
    cpSync(join(root, "start.cjs"), join(folder, "start.cjs"));
    packages("esbuild", "@esbuild");
    write("index.ts", 'import { part } from "./part";\nexport const whole: number = part + 1;\n');
    write("part.ts", "export const part: number = 1;\n");
    start = load(join(folder, "start.cjs"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("runs the program and gives what it exports", async () => {
    expect(await start()).to.deep.equal({ whole: 2 });
  });

  it("evaluates it anew each time", async () => {
    write("index.ts", "export const made: object = {};\n");
    const [first, second] = [await start(), await start()];
    expect(first.made).to.not.equal(second.made);
  });

  it("compiles nothing where nothing has changed", async () => {
    await start();
    rmSync(join(folder, "node_modules", "esbuild"));
    expect(await start()).to.deep.equal({ whole: 2 });
  });

  for (const [what, change] of Object.entries({
    "the program": () => write("index.ts", "export const whole = 3;\n"),
    "what it imports": () => write("part.ts", "export const part = 2;\n"),
    "a package that it uses": () => write("node_modules/used/index.js", "exports.used = 3;\n"),
  })) {
    it(`takes a change of ${what} into account`, async () => {
      mkdirSync(join(folder, "node_modules", "used"));
      write("node_modules/used/index.js", "exports.used = 2;\n");
      write(
        "index.ts",
        'import { used } from "used";\nimport { part } from "./part";\nexport const whole = part * used;\n',
      );
      expect(await start()).to.deep.equal({ whole: 2 });
      change();
      expect(Object.values(await start())).to.not.deep.equal([2]);
    });
  }

  it("does not run what was made for another folder", async () => {
    write("index.ts", "export const folder = __dirname;\n");
    await start();
    const moved = `${folder}-moved`;
    cpSync(folder, moved, { recursive: true, verbatimSymlinks: true });
    try {
      const startMoved: typeof start = load(join(moved, "start.cjs"));
      expect(await startMoved()).to.deep.equal({ folder: moved });
    } finally {
      rmSync(moved, { recursive: true });
    }
  });

  it("lets a file find others beside it", async () => {
    mkdirSync(join(folder, "deep"));
    write("deep/beside.sh", "echo\n");
    write(
      "deep/reader.ts",
      'import { readFileSync } from "node:fs";\nexport const text = readFileSync(__dirname + "/beside.sh", "utf8");\n',
    );
    write("index.ts", 'export { text } from "./deep/reader";\n');
    expect(await start()).to.deep.equal({ text: "echo\n" });
  });

  it("goes on where nothing can be kept", async () => {
    write("node_modules/.cache", "no folder");
    expect(await start()).to.deep.equal({ whole: 2 });
    write("part.ts", "export const part = 4;\n");
    expect(await start()).to.deep.equal({ whole: 5 });
  });

  it("makes anew what was kept in part only", async () => {
    await start();
    const kept = join("node_modules", ".cache", "kubernetes-postgres", "program.cjs");
    const text = readFileSync(join(folder, kept), "utf8");
    write(kept, text.slice(0, text.indexOf("\n") + 20));
    expect(await start()).to.deep.equal({ whole: 2 });
  });

  it("ends with the place of a mistake", async () => {
    write("part.ts", "export const part = ;\n");
    const mistake = await start().then(
      () => "",
      (error: Error) => error.message,
    );
    expect(mistake).to.match(/part\.ts:1:20: ERROR/);
  });
});
