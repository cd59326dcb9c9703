import { type CommandLine, type CommandName, helpText, parseCommandLine } from "./arguments";
import { logUnexpected } from "./commands/unexpected";
import { exitCodeOf, isExplained } from "./pulumi/errors";

type Command = (line: CommandLine) => Promise<void>;

// Loaded when asked for: the engine's SDK takes most of a second. `require`, since the TypeScript loader in use
// (`--require tsx/cjs`) leaves `import()` to Node, which knows no TypeScript.
function load(name: CommandName): Command {
  switch (name) {
    case "up": {
      const { up }: typeof import("./commands/up") = require("./commands/up");
      return up;
    }
    case "preview": {
      const { preview }: typeof import("./commands/preview") = require("./commands/preview");
      return preview;
    }
    case "verdict": {
      const { verdict }: typeof import("./commands/verdict") = require("./commands/verdict");
      return verdict;
    }
    case "status": {
      const { status }: typeof import("./commands/status") = require("./commands/status");
      return status;
    }
    case "down": {
      const { down }: typeof import("./commands/down") = require("./commands/down");
      return down;
    }
    case "stop": {
      const { stop }: typeof import("./commands/stop") = require("./commands/stop");
      return stop;
    }
    case "render": {
      const { render }: typeof import("./commands/render") = require("./commands/render");
      return render;
    }
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const line = parseCommandLine(argv);
  if (line.help) console.log(helpText(line.command));
  else await load(line.command)(line);
}

main(process.argv.slice(2)).then(
  // Connections to the engine would keep the process for another second. A command may have set another code than 0.
  () => process.exit(),
  (error: unknown) => {
    console.error(`\n${isExplained(error) ? error.message : logUnexpected(error)}`);
    process.exit(exitCodeOf(error, process.argv[2]));
  },
);
