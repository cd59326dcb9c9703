import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { home } from "../tools/home";

/** Writes an error nobody foresaw to a log, and says in short what happened and where the rest is. */
export function logUnexpected(error: unknown): string {
  const message = error instanceof Error ? error.message : `${error}`;
  const log = join(home(), "errors.log");
  try {
    mkdirSync(home(), { recursive: true });
    const details = error instanceof Error ? error.stack : message;
    appendFileSync(log, `${new Date().toISOString()} ${process.argv.slice(2).join(" ")}\n${details}\n\n`, {
      mode: 0o600,
    });
    return `Something unexpected went wrong: ${message}\nDetails: ${log}. Run the same command again; it continues from here.`;
  } catch {
    return `Something unexpected went wrong: ${message}`;
  }
}
