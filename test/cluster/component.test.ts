import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { expect } from "chai";
import { EngineError } from "../../local/pulumi/engine-command";
import { TestStack } from "./stack";

const root = join(__dirname, "..", "..");
const { version }: { version: string } = JSON.parse(readFileSync(join(root, "components", "package.json"), "utf8"));

/** The component as a program in another language knows it: by its type alone. */
class Remote extends pulumi.ComponentResource {
  declare readonly endpoints: pulumi.Output<unknown>;

  constructor(name: string, args: pulumi.Inputs) {
    super("kubernetes-postgres:index:PostgresCluster", name, { ...args, endpoints: undefined }, { version }, true);
  }
}

describe("the component in a program of another language", function () {
  this.timeout("2 minutes");
  let cluster: TestStack;

  before(async () => {
    cluster = await TestStack.create("remote", { replicas: 1 });
  });
  after(() => cluster.remove());

  /** A preview of a program with nothing but the component. The engine starts the plugin as its language host for Node does. */
  async function preview(args: pulumi.Inputs): Promise<string> {
    const { engine, stack, paths } = await cluster.workspace();
    const plugin = join(paths.pulumiHome, "plugins", `resource-kubernetes-postgres-v${version}`);
    const elsewhere = join(plugin, "elsewhere");
    mkdirSync(elsewhere, { recursive: true });
    const program = join(plugin, "pulumi-resource-kubernetes-postgres");
    const host = join(root, "node_modules", "@pulumi", "pulumi", "cmd", "run-plugin");
    const start = `PULUMI_NODEJS_TYPESCRIPT=true exec "${process.execPath}" "${host}" "${join(root, "components")}" "$@"`;
    // A folder without tsconfig.json, as a program in another language has it.
    writeFileSync(program, `#!/bin/sh\ncd "${elsewhere}" && ${start}\n`);
    chmodSync(program, 0o755);
    const workspace = await LocalWorkspace.create({
      workDir: plugin,
      pulumiHome: paths.pulumiHome,
      pulumiCommand: engine,
      program: async () => ({ endpoints: new Remote("database", args).endpoints }),
      projectSettings: { name: "polyglot", runtime: "nodejs" },
      envVars: stack.workspace.envVars,
    });
    const remote = await Stack.create(`${cluster.name}-${Date.now()}`, workspace);
    try {
      return (await remote.preview()).stdout;
    } catch (error) {
      throw error instanceof EngineError ? new Error(error.stdout + error.stderr) : error;
    }
  }

  it("makes what the program makes", async () => {
    const leftOut = { tls: null, resources: { limits: null }, databases: [null] };
    const out = await preview({ namespace: "polyglot", replicas: 2, cloud: "on-premise", ...leftOut });
    expect(out).to.match(/kubernetes:apps\/v1:StatefulSet database-stateful-set create/);
  });

  it("refuses what cannot work with the program's own words", async () => {
    const refusal = await preview({ replicas: 0 }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(refusal).to.match(/1 setting cannot work:[\s\S]*replicas/);
  });
});
