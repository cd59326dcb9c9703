import { parseArgs } from "node:util";
import { RunError } from "@pulumi/pulumi";
import { defaultStack } from "../local/npm-line";
import { readStackFile } from "../local/pulumi/stack-file";
import { LocalError } from "../local/tools/run";
import { judge } from "./judge";
import { rules, stackRules } from "./rules";

const all = [...rules, ...stackRules];

const usage = `npm run policy -- [--stack NAME]
  --stack NAME      the stack: settings are in Pulumi.NAME.yaml; default dev
  --help            this text

Exit codes: 0 every rule is kept, 1 a rule is broken or the settings cannot work, 2 wrong command line.
Rules:
${all.map(({ name, description }) => `  ${name.padEnd(20)} ${description}`).join("\n")}`;

interface Options {
  stack: string;
  help: boolean;
}

/** Words for what is not understood, where something is. */
function read(args: string[]): Options | string {
  try {
    const { values } = parseArgs({ args, options: { stack: { type: "string" }, help: { type: "boolean" } } });
    return { stack: values.stack ?? defaultStack, help: values.help ?? false };
  } catch (error) {
    return error instanceof Error ? (error.message.split(". ")[0] ?? "") : `${error}`;
  }
}

async function main(args: string[]): Promise<number> {
  const options = read(args);
  if (typeof options === "string") {
    console.error(`npm run policy: ${options}.\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const { stack } = options;
  const taken = process.env.npm_config_stack;
  if (taken !== undefined) {
    console.error(`npm took --stack for an option of its own: npm run policy -- --stack ${taken}. Nothing was judged.`);
    return 2;
  }
  const { resources, found } = await judge(stack, readStackFile(stack).config);
  if (found.length === 0) {
    console.log(`Stack ${stack} keeps all ${all.length} rules (${resources} resources).`);
    return 0;
  }
  const lines = found.map(({ rule, resource, message }) => `  ${resource}: ${message} [${rule}]`);
  console.error([`Stack ${stack} breaks what it has to keep:`, ...lines].join("\n"));
  return 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const explained = error instanceof LocalError || RunError.isInstance(error);
    console.error(explained ? error.message : error);
    process.exit(1);
  },
);
