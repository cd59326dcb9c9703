import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { build } from "esbuild";
import { runOrThrow } from "../../local/tools/run";
import { budgets } from "../budgets";
import { root } from "../unit/plan";

/** Interpreted, by one thread and without chance: the same each time, to a few in a hundred thousand. */
const still = ["--jitless", "--single-threaded", "--predictable", "--hash-seed=1", "--random-seed=1"];

describe("what planning a cluster takes", function () {
  this.timeout("2 minutes");
  let folder: string;
  let program: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "instructions-"));
    program = join(folder, "plans.cjs");
    await build({
      stdin: {
        contents: 'require("./plan").plans(Number(process.argv[2]));',
        resolveDir: join(root, "bench", "scale"),
      },
      outfile: program,
      bundle: true,
      platform: "node",
      // The only files that are looked for when it runs are the pods' scripts.
      define: { __dirname: JSON.stringify(join(root, "components", "postgres")) },
      logLevel: "silent",
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Instructions of a process that plans so many clusters. */
  async function instructions(clusters: number): Promise<number> {
    const counter = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--log-fd=1"];
    const said = await runOrThrow("valgrind", [...counter, process.execPath, ...still, program, `${clusters}`]);
    return Number(/I +refs: +([\d,]+)/.exec(said)?.[1]?.replaceAll(",", ""));
  }

  it("is within the budget of instructions, and the same for each of many", async () => {
    const [one, some, many] = [await instructions(1), await instructions(21), await instructions(41)];
    const [early, late] = [(some - one) / 20, (many - some) / 20];
    expect(early).to.be.within(0.9 * budgets.instructions, budgets.instructions);
    // The garbage of the earlier ones is collected meanwhile.
    expect(late, "one of the later ones").to.be.at.most(early * 1.1);
  });
});
