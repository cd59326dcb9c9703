import { expect } from "chai";
import { commandNames, helpText, parseCommandLine } from "../../../local/arguments";
import { npmLine } from "../../../local/npm-line";

describe("the local command line", () => {
  it("deploys stack dev when nothing is said", () => {
    const line = parseCommandLine(["up"]);
    expect(line).to.include({ command: "up", stack: "dev", volumes: false, json: false, help: false });
    expect(line.cluster).to.equal(undefined);
  });

  it("reads options in both spellings", () => {
    expect(parseCommandLine(["down", "--stack", "prod", "--volumes"])).to.include({ stack: "prod", volumes: true });
    expect(parseCommandLine(["status", "--stack=prod", "--json", "--cluster=current"])).to.include({
      stack: "prod",
      json: true,
      cluster: "current",
    });
  });

  for (const argv of [
    [],
    ["sideways"],
    ["up", "--stak", "prod"],
    ["up", "--volumes"],
    ["preview", "prod"],
    ["up", "--stack"],
    ["stop", "--stack", "dev"],
    ["up", "--cluster", "--help"],
    ["up", "--out", "folder"],
    ["render", "--out", ""],
    ["render", "--out", "folder", "--cluster", "current"],
  ]) {
    it(`refuses "${argv.join(" ")}" and says what is known`, () => {
      expect(() => parseCommandLine(argv)).to.throw(/Commands:|npm run .* -- \[options\]/);
    });
  }

  it("has to be told where to render to", () => {
    expect(parseCommandLine(["render", "--stack", "prod", "--out", "k8s"])).to.include({ stack: "prod", out: "k8s" });
    expect(() => parseCommandLine(["render"])).to.throw(/--out is missing, the folder to write to[\s\S]*--out DIR/);
    expect(parseCommandLine(["render", "--help"]).help).to.equal(true);
  });

  it("reads the format of a verdict, which --json says for short, and knows no other", () => {
    expect(parseCommandLine(["preview"]).format).to.equal("text");
    expect(parseCommandLine(["preview", "--json"]).format).to.equal("json");
    const line = parseCommandLine(["verdict", "--stack", "prod", "--plan", "-", "--format", "markdown"]);
    expect(line).to.include({ stack: "prod", plan: "-", format: "markdown" });
    expect(() => parseCommandLine(["preview", "--format", "xml"])).to.throw(/text, markdown, json are/);
    expect(() => parseCommandLine(["up", "--format", "json"])).to.throw(/--format is not understood/);
    expect(helpText("preview")).to.match(/2 changes, 3 changes that lose pods or data/);
  });

  it("says which option lacks its value", () => {
    expect(() => parseCommandLine(["up", "--stack"])).to.throw(/npm run up: --stack needs a value\./);
    expect(() => parseCommandLine(["render", "--out"])).to.throw(/npm run render: --out needs a value\./);
  });

  it("gives commands to type that are about the same stack", () => {
    expect(npmLine("up", "dev")).to.equal("npm run up");
    expect(npmLine("up", "prod")).to.equal("npm run up -- --stack prod");
    expect(npmLine("down", "dev", "--volumes")).to.equal("npm run down -- --volumes");
    expect(npmLine("down", "prod", "--volumes")).to.equal("npm run down -- --stack prod --volumes");
  });

  it("refuses what npm kept to itself, for it would act on another stack than was named", () => {
    expect(() => parseCommandLine(["down"], { npm_config_stack: "prod" })).to.throw(
      /npm run down -- --stack prod\. Nothing was done/,
    );
    expect(() => parseCommandLine(["down"], { npm_config_volumes: "true" })).to.throw(/npm run down -- --volumes\./);
    expect(() => parseCommandLine(["render"], { npm_config_out: "k8s" })).to.throw(/npm run render -- --out k8s\./);
  });

  it("explains every command and its options", () => {
    for (const command of commandNames) expect(helpText(command)).to.include("--help").and.include("Exit codes");
    expect(helpText("down")).to.include("--volumes");
    expect(helpText("up")).not.to.include("--volumes");
  });
});
