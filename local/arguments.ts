import { parseArgs } from "node:util";
import { defaultStack } from "./npm-line";
import { UsageError } from "./pulumi/errors";
import { type Format, formats } from "./verdict/format";

export const commandNames = ["up", "preview", "verdict", "status", "down", "stop", "render"] as const;
export type CommandName = (typeof commandNames)[number];

/** A command line, understood. */
export interface CommandLine {
  command: CommandName;
  /** Default `dev`. */
  stack: string;
  /** `embedded` or `current`; checked where the cluster is chosen. */
  cluster: string | undefined;
  /** Also delete the data. */
  volumes: boolean;
  /** Answer as JSON. */
  json: boolean;
  /** Folder for the manifests; given wherever the command is `render`. */
  out: string | undefined;
  /** How a verdict is written; `--json` says `json`. */
  format: Format;
  /** File with a plan of Pulumi's own CLI, or `-` for standard input. */
  plan: string | undefined;
  help: boolean;
}

const optionsOf: Record<CommandName, readonly string[]> = {
  up: ["stack", "cluster", "help"],
  preview: ["stack", "cluster", "format", "json", "help"],
  verdict: ["stack", "plan", "format", "help"],
  status: ["stack", "cluster", "json", "help"],
  down: ["stack", "cluster", "volumes", "help"],
  stop: ["volumes", "help"],
  render: ["stack", "out", "help"],
};

const descriptions: Record<string, string> = {
  stack: "--stack NAME      the stack: settings are in Pulumi.NAME.yaml; default dev",
  cluster:
    "--cluster WHICH   embedded (a node on this machine) or current (kubectl's context); default: current where\n" +
    "                    kubectl has one, else embedded; KUBERNETES_POSTGRES_CLUSTER sets it for good",
  volumes: "--volumes         also delete the data, for good",
  json: "--json            answer as JSON",
  out: "--out DIR         the folder to write to: a new one, an empty one, or that of an earlier render",
  format: "--format HOW      text, markdown (a comment for a pull request) or json; default text",
  plan: "--plan FILE       what pulumi preview --json printed; - reads standard input",
  help: "--help            this text",
};

const purposes: Record<CommandName, string> = {
  up: "Makes the stack what its settings say; installs and starts what is missing for that.",
  preview: "Shows what up would change, and what that does to pods and clients. Changes nothing.",
  verdict: "Shows what a plan of Pulumi's own CLI does to pods and clients. Needs neither cluster nor engine.",
  status: "Shows the cluster, the stack's outputs without secrets, its pods and volumes.",
  down: "Deletes the stack. The data stays unless --volumes is given.",
  stop: "Stops the embedded node and all that runs on it. The data stays unless --volumes is given.",
  render:
    "Writes what up would send to Kubernetes as files that kubectl applies, without passwords. Needs neither Pulumi nor a\n" +
    "cluster. The README.md in the folder says how they are applied.",
};

const npmName = (command: CommandName): string => (command === "stop" ? "local:stop" : command);

/** How a command is used. */
export function helpText(command: CommandName): string {
  const lines = optionsOf[command].map((option) => `  ${descriptions[option] ?? option}`);
  const judges = command === "preview" || command === "verdict";
  return [
    purposes[command],
    "",
    `npm run ${npmName(command)} -- [options]`,
    ...lines,
    "",
    judges
      ? "Exit codes: 0 nothing to change, 2 changes, 3 changes that lose pods or data, 1 refused, failed or a wrong command\n" +
        "line, 130 ended by Ctrl-C. For markdown and json use npm run --silent: npm writes to standard output, too."
      : "Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 a pod cannot become ready, 130 ended by Ctrl-C.",
  ].join("\n");
}

/**
 * @param environment npm keeps options that stand before "--" to itself, as variables.
 * @throws UsageError that lists what is known, for an unknown command or option.
 */
export function parseCommandLine(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): CommandLine {
  const [name, ...rest] = argv;
  const command = commandNames.find((known) => known === name);
  if (command === undefined) {
    throw new UsageError(`There is no command ${name ?? "(none given)"}. Commands: ${commandNames.join(", ")}.`);
  }
  const taken = ["stack", "cluster", "volumes", "format", "plan", "out", "json"].find(
    (option) => environment[`npm_config_${option}`] !== undefined,
  );
  if (taken !== undefined) {
    throw new UsageError(
      `npm took --${taken} for an option of its own: write -- before it, as in npm run ${npmName(command)} -- --${taken}` +
        `${taken === "volumes" || taken === "json" ? "" : ` ${environment[`npm_config_${taken}`]}`}. Nothing was done.`,
    );
  }
  const { values, positionals, wrong } = read(rest, optionsOf[command]);
  const words = wrong ?? (positionals[0] && `${positionals[0]} is not understood`);
  if (words) throw new UsageError(`npm run ${npmName(command)}: ${words}.\n\n${helpText(command)}`);
  const help = values.help ?? false;
  if (command === "render" && !values.out && !help) {
    throw new UsageError(`npm run render: --out is missing, the folder to write to.\n\n${helpText(command)}`);
  }
  const format = formats.find((known) => known === (values.format ?? "text"));
  if (format === undefined) {
    throw new UsageError(`--format ${values.format} is not known: ${formats.join(", ")} are.\n\n${helpText(command)}`);
  }
  return {
    command,
    stack: values.stack ?? defaultStack,
    cluster: values.cluster,
    volumes: values.volumes ?? false,
    json: values.json ?? false,
    out: values.out,
    format: values.json ? "json" : format,
    plan: values.plan,
    help,
  };
}

interface Values {
  stack?: string;
  cluster?: string;
  volumes?: boolean;
  json?: boolean;
  out?: string;
  format?: string;
  plan?: string;
  help?: boolean;
}

/** @returns with `wrong`: words for what cannot be understood. */
function read(args: string[], allowed: readonly string[]): { values: Values; positionals: string[]; wrong?: string } {
  const found = parseArgs({ args, strict: false, allowPositionals: true, tokens: true }).tokens;
  const refused = found.find((token) => token.kind === "option" && !allowed.includes(token.name));
  if (refused?.kind === "option") return { values: {}, positionals: [], wrong: `${refused.rawName} is not understood` };
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        stack: { type: "string" },
        cluster: { type: "string" },
        volumes: { type: "boolean" },
        json: { type: "boolean" },
        out: { type: "string" },
        format: { type: "string" },
        plan: { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    const said = error instanceof Error ? (error.message.split(".")[0] ?? "") : `${error}`;
    return {
      values: {},
      positionals: [],
      wrong: said.replace(/^Option '(\S+) <value>' argument missing$/, "$1 needs a value"),
    };
  }
}
