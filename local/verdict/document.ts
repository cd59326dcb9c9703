import type { Outcome, Verdict } from "../../components/postgres/verdict/types";
import type { Format } from "./format";
import { markdownOf } from "./markdown";
import { textOf } from "./text";

/** A verdict as a document. */
export function documentOf(verdict: Verdict, format: Format): string {
  switch (format) {
    case "text":
      return textOf(verdict);
    case "markdown":
      return markdownOf(verdict);
    case "json":
      return JSON.stringify(verdict, null, 2);
  }
}

/** What `npm run preview` and `npm run verdict` end with. */
export const verdictExitCodes: Record<Outcome, number> = { nothing: 0, refused: 1, changes: 2, destructive: 3 };
