import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect } from "chai";
import { knownMajors, settingNames } from "../../components/postgres/parameters/catalog";
import { allSettingRows } from "../../components/postgres/setting-effects";
import { rollingUpdatePauseSeconds } from "../../components/postgres/verdict/interruption";
import { documents } from "../../docs/generate/documents";
import { table } from "../../docs/generate/markdown";
import { parameterRow } from "../../docs/generate/parameters";
import { settingNames as stackSettings } from "../../stacks/schema";
import { root } from "./plan";

/** A longer cell makes its column hard to read. */
const longestCell = 200;

describe("the generated documents", () => {
  for (const { file, text } of documents()) {
    const name = relative(root, file);

    it(`${name} is what the code says: \`npm run docs\` writes it`, () => {
      expect(readFileSync(file, "utf8")).to.equal(text);
    });

    it(`${name} has tables that can be read`, () => {
      const rows = text.split("\n").filter((line) => line.startsWith("| `"));
      expect(rows).to.not.be.empty;
      for (const row of rows) {
        for (const cell of row.split(/(?<!\\)\|/)) expect(cell.length, cell).to.be.at.most(longestCell + 2);
      }
    });
  }

  it("have a row for every setting that a stack can have, and for every parameter", () => {
    const [page] = documents();
    const settings = allSettingRows().map(([setting]) => setting);
    expect([...new Set(settings.map((setting) => setting.split(".")[0]))]).to.have.members(stackSettings);
    const parameters = knownMajors.flatMap((major) => settingNames(major)).map((name) => `parameters.${name}`);
    for (const setting of [...settings, ...parameters]) expect(page?.text).to.include(`\n| \`${setting}\` |`);
  });
});

describe("the defaults and limits of parameters in docs/settings.md", () => {
  // Each row: what a running server of this cluster says, where PostgreSQL is built with something else.
  const cells: [string, string, string][] = [
    ["client_encoding", "`UTF8`", "text"],
    ["data_checksums", "`on`", "cannot be set"],
    ["data_directory_mode", "`0700`", "cannot be set"],
    ["log_file_mode", "`0600`", "cannot be set"],
    ["max_stack_depth", "`2MB`", "`100kB` to `7680kB`"],
    ["server_encoding", "`UTF8`", "cannot be set"],
    ["unix_socket_permissions", "`0777`", "cannot be set"],
  ];
  for (const [name, byDefault, limits] of cells) {
    it(`are those of a server that runs: ${name}`, () => {
      expect(parameterRow(name).slice(1, 3)).to.deep.equal([byDefault, limits]);
    });
  }
});

describe("the README's example of an app", () => {
  it("is what examples/app does, but for where the helper comes from", () => {
    const section = readFileSync(join(root, "README.md"), "utf8").split("### Use it from an app")[1] ?? "";
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(section) ?? [];
    const app = readFileSync(join(root, "examples", "app", "index.ts"), "utf8");
    const parts = example.replace("kubernetes-postgres/database-from", "../../stacks/database-from").split("\n\n");
    expect(parts).to.have.length(2);
    for (const part of parts) expect(app).to.include(part);
  });
});

describe("a Markdown table", () => {
  it("keeps a pipe or a line break within its cell", () => {
    expect(table(["a", "b"], [["x|y", "1\n2"]])).to.equal("| a | b |\n| --- | --- |\n| x\\|y | 1 2 |");
  });
});

describe("what was measured of the faults", () => {
  it("has the pause that verdicts announce", () => {
    const faults = readFileSync(join(root, "docs", "faults.md"), "utf8");
    const median = /rolling update of all three\s+\d+\s+([\d.]+) s/.exec(faults)?.[1];
    expect(Math.round(Number(median))).to.equal(rollingUpdatePauseSeconds);
  });
});
