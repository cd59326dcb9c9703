/** A value as code; what would end the code or the cell is escaped. */
export function code(value: string): string {
  if (value === "") return '`""`';
  return value.includes("`") ? `\`\` ${value} \`\`` : `\`${value}\``;
}

/** A Markdown table; a pipe in a cell does not end it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Parts with something in them, as sentences in a row. */
export function sentences(...parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined && part !== "")
    .map((part) => `${part}`.replace(/[^.]$/, "$&."))
    .join(" ");
}
