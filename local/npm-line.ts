/** The stack that commands are about when none is named. */
export const defaultStack = "dev";

/** A command of package.json as one types it, about the same stack: without its name it would be about another one. */
export function npmLine(script: string, stack: string, ...options: string[]): string {
  const all = [...(stack === defaultStack ? [] : ["--stack", stack]), ...options];
  return ["npm run", script, ...(all.length > 0 ? ["--", ...all] : [])].join(" ");
}
