/** How a verdict is written: `text` for a terminal, `markdown` for a comment of a pull request, `json` for programs. */
export const formats = ["text", "markdown", "json"] as const;
export type Format = (typeof formats)[number];
