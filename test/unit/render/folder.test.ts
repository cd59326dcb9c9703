import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { writeFolder } from "../../../local/render/folder";

describe("the folder of a render", () => {
  let parent = "";
  let folder = "";
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "folder-"));
    folder = join(parent, "manifests");
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  const first = { "README.md": "how\n", "10-a.yaml": "a: 1\n", "after-first-start/20-b.yaml": "b: 1\n" };
  const write = (contents: Record<string, string> = first, stack = "prod") => writeFolder(folder, stack, contents);
  const read = (path: string): string => readFileSync(join(folder, path), "utf8");
  const list = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => !statSync(join(folder, path)).isDirectory())
      .sort();

  it("is made, with those above it, and every file says where it is from", () => {
    folder = join(parent, "deep", "manifests");
    expect(write().added).to.have.members(Object.keys(first));
    expect(list()).to.deep.equal(Object.keys(first).sort());
    for (const path of list()) expect(read(path).split("\n")[0]).to.include("npm run render from stack prod");
  });

  it("may be there and empty, but for files that tools hide", () => {
    mkdirSync(join(folder, ".git"), { recursive: true });
    write();
    expect(list()).to.deep.equal(Object.keys(first).sort());
  });

  it("holds what the last render wrote, and nothing that only an earlier one did", () => {
    write();
    const again = write({ "README.md": "how\n", "10-a.yaml": "a: 2\n", "30-c.yaml": "c: 1\n" });
    expect(again).to.deep.equal({
      added: ["30-c.yaml"],
      changed: ["10-a.yaml"],
      removed: ["after-first-start/20-b.yaml"],
      unchanged: ["README.md"],
    });
    expect(list()).to.deep.equal(["10-a.yaml", "30-c.yaml", "README.md"]);
    expect(read("10-a.yaml")).to.match(/\na: 2\n$/);
  });

  it("keeps what somebody else put beside the manifests", () => {
    write();
    writeFileSync(join(folder, "kustomization.yaml"), "resources: []\n");
    mkdirSync(join(folder, "overlays"));
    writeFileSync(join(folder, "overlays", "10-a.yaml"), "mine\n");
    expect(write({ "README.md": "how\n" }).removed).to.deep.equal(["10-a.yaml", "after-first-start/20-b.yaml"]);
    expect(list()).to.deep.equal(["README.md", "kustomization.yaml", "overlays/10-a.yaml"]);
  });

  it("keeps a manifest of another stack, and does not write over one", () => {
    write();
    const other = "# Written by npm run render from stack dev: change its settings, not this file.\nb: 1\n";
    writeFileSync(join(folder, "30-c.yaml"), other);
    expect(write().removed).to.deep.equal([]);
    expect(read("30-c.yaml")).to.equal(other);
    refused(/30-c\.yaml is of stack dev, .*Move it away/, { ...first, "30-c.yaml": "c: 1\n" });
  });

  /** A refusal in these words, that left everything as it was. */
  function refused(words: RegExp, contents: Record<string, string> = first, stack = "prod"): void {
    const state = (): unknown => readdirSync(parent, { recursive: true, withFileTypes: true }).map(({ name }) => name);
    const before = state();
    expect(() => write(contents, stack)).to.throw(words);
    expect(state()).to.deep.equal(before);
  }

  it("is refused when it holds files of somebody else", () => {
    mkdirSync(folder);
    for (const name of ["README.md", "index.ts"]) writeFileSync(join(folder, name), "# mine\n");
    refused(/manifests: holds files that render did not write \(README\.md, index\.ts\).*Name an empty folder/);
    expect(read("README.md")).to.equal("# mine\n");
  });

  it("is refused when it holds the manifests of another stack", () => {
    write();
    refused(/holds the manifests of stack prod, which those of dev would replace/, first, "dev");
    expect(read("10-a.yaml")).to.include("stack prod");
  });

  it("is refused when a file of somebody else has the name of a manifest", () => {
    write();
    writeFileSync(join(folder, "30-c.yaml"), "mine\n");
    refused(/30-c\.yaml was not written by render.*Move it away/, { ...first, "10-a.yaml": "a: 2\n", "30-c.yaml": "" });
    expect(read("10-a.yaml"), "nothing else was written").to.match(/\na: 1\n$/);
  });

  it("is refused when a link would lead out of it", () => {
    const outside = join(parent, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "mine\n");
    write({ "README.md": "how\n" });
    symlinkSync(outside, join(folder, "after-first-start"));
    refused(/after-first-start is no folder/);
    rmSync(join(folder, "after-first-start"));
    symlinkSync(join(outside, "file"), join(folder, "10-a.yaml"));
    refused(/10-a\.yaml is no plain file/);
    expect(readdirSync(outside)).to.deep.equal(["file"]);
    expect(readFileSync(join(outside, "file"), "utf8")).to.equal("mine\n");
  });

  it("is refused when it is a file, or below one, or cannot be written", () => {
    writeFileSync(folder, "mine\n");
    refused(/manifests: is a file.*Name a new folder/);
    folder = join(folder, "below");
    refused(/below: cannot be written \(.*\)\. Choose a folder/);
    folder = "/proc/manifests";
    refused(/proc\/manifests: cannot be written/);
    expect(existsSync("/proc/manifests")).to.equal(false);
  });
});
