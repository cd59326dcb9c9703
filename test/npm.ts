import { execFile } from "node:child_process";
import { root } from "./unit/plan";

/** What a command of package.json left. */
export interface Finished {
  code: number;
  out: string;
  err: string;
}

/** Runs a command of package.json as CI does. */
export function npm(command: string, args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const env = { ...process.env, ...environment };
  return new Promise((resolve) => {
    const child = execFile("npm", ["run", "--silent", command, "--", ...args], { cwd: root, env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? 1, out, err }),
    );
  });
}
