import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

const root = join(__dirname, "..", "..");
const recorded = (name: string): string => join(root, "test", "unit", "verdict", "recorded", `${name}.json`);

function verdict(args: string[], input = ""): { status: number | null; stdout: string; stderr: string } {
  const command = ["--require", "tsx/cjs", join(root, "local", "cli.ts"), "verdict", ...args];
  return spawnSync(process.execPath, command, { cwd: root, encoding: "utf8", input });
}

describe("npm run verdict", function () {
  // Each is a process that loads TypeScript and Pulumi's SDK.
  this.timeout("1 minute");

  it("judges a file, or what it is fed, without a cluster, and ends with 2 for changes", () => {
    const fromFile = verdict(["--stack", "n", "--plan", recorded("changes"), "--format", "markdown"]);
    expect([fromFile.status, fromFile.stderr]).to.deep.equal([2, ""]);
    expect(fromFile.stdout).to.match(/^<!-- kubernetes-postgres verdict: n -->\n[\s\S]*rolling restart/);
    const plan = readFileSync(recorded("changes"), "utf8");
    const fed = verdict(["--stack", "n", "--plan", "-", "--format", "markdown"], plan);
    expect(fed).to.deep.include({ status: 2, stdout: fromFile.stdout });
  });

  it("shows a refusal as a document, and ends with 1", () => {
    const { status, stdout } = verdict(["--stack", "n", "--plan", recorded("refused"), "--format", "json"]);
    const { outcome, problems } = JSON.parse(stdout);
    expect([status, outcome, problems.length]).to.deep.equal([1, "refused", 1]);
  });

  it("ends with 1, and nothing on standard output, where it cannot judge", () => {
    for (const [args, words] of [
      [[], /needs a plan: pulumi preview --json/],
      [["--plan", "/nowhere/plan.json"], /cannot be read/],
      [["--plan", __filename], /is no plan\. Make it with: pulumi preview/],
      [
        ["--stack", "prod", "--plan", recorded("changes")],
        /is a plan of stack n of project kubernetes-postgres, and not of prod/,
      ],
    ] as const) {
      const { status, stdout, stderr } = verdict([...args]);
      expect([status, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.match(words);
    }
  });
});
