import { spawn } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { text as textOf } from "node:stream/consumers";

/** Something to look into, by the place where it is. */
export type Text = [where: string, text: string];

/**
 * Parts of base64, of which every base64 text with these bytes in it has one: three bytes are four characters, so there
 * are three ways to begin. Characters that have bits of a neighbour in them are left out.
 */
export function base64Parts(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

/** The forms in which a value may be written down, each with the texts that would show it. */
function formsOf(bytes: Buffer): [form: string, texts: string[]][] {
  const base64 = base64Parts(bytes);
  const hex = bytes.toString("hex");
  return [
    ["base64", base64],
    ["base64url", base64.map((part) => part.replaceAll("+", "-").replaceAll("/", "_"))],
    ["hex", [hex, hex.toUpperCase()]],
  ];
}

function formsOfText(value: string): [form: string, texts: string[]][] {
  const percent = encodeURIComponent(value);
  return [
    ["plain", [value]],
    ["percent-encoded", [percent, percent.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase())]],
    ["JSON", [JSON.stringify(value).slice(1, -1)]],
    ...formsOf(Buffer.from(value)),
  ];
}

/** Shorter ones are found by chance. */
const shortest = 16;

/** Secret values, and whether a text has one of them in it. It names them, and never prints one. */
export class Values {
  /** What to look for, and which value it is in which form. */
  private readonly labels = new Map<string, string>();

  /** @throws Error for a value that cannot be looked for. */
  add(name: string, value: string): void {
    if (value.length < shortest || value.includes("\n"))
      throw new Error(`${name} is no line of ${shortest} characters`);
    this.note(name, formsOfText(value));
  }

  /**
   * A private key, by the number that it is and by the lines of its PEM. A line of nothing but the public key, which PKCS #8
   * has beside it, is in the certificate as well, and so left out.
   */
  addKey(name: string, pem: string): void {
    const key = createPrivateKey(pem);
    const secret = Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
    if (secret.length < shortest) throw new Error(`${name} is no private key that can be looked for`);
    this.note(name, formsOf(secret));
    const lines = pem.trim().split("\n").slice(1, -1);
    const from = Buffer.from(lines.join(""), "base64").indexOf(secret);
    let at = 0;
    for (const line of lines) {
      const end = at + Buffer.from(line, "base64").length;
      if (from < end && at < from + secret.length) this.add(`${name}, a line of its PEM`, line);
      at = end;
    }
  }

  private note(name: string, forms: [form: string, texts: string[]][]): void {
    for (const [form, texts] of forms) {
      for (const text of texts) if (!this.labels.has(text)) this.labels.set(text, `${name} (${form})`);
    }
  }

  /** All that is looked for, in the order of what {@link nameAt} answers. */
  get needles(): string[] {
    return [...this.labels.keys()];
  }

  /** Which value a needle is of, and its form. */
  nameAt(index: number): string {
    return [...this.labels.values()][index] ?? "";
  }

  /** Which values a text has in it, and in which form. */
  in(text: string): string[] {
    return [...this.labels].filter(([needle]) => text.includes(needle)).map(([, label]) => label);
  }

  /** Where values are, in texts. */
  inAll(texts: Iterable<Text>): string[] {
    return [...texts].flatMap(([where, text]) => this.in(text).map((label) => `${where}: ${label}`));
  }

  /** Where values are, in files and in all files below folders; links are not followed. */
  async inFiles(...places: string[]): Promise<string[]> {
    const missing = places.filter((place) => !existsSync(place));
    if (missing.length > 0) throw new Error(`there is no ${missing.join(", ")} to look into`);
    const found = await this.filesWith(places);
    return found.flatMap((file) => {
      // One that changed since then has had a value all the same.
      const labels = existsSync(file) ? this.in(readFileSync(file, "latin1")) : [];
      return (labels.length > 0 ? labels : ["a value, for a moment"]).map((label) => `${file}: ${label}`);
    });
  }

  /** Files with a value in them. Volumes are large; grep looks for all values at once. */
  private async filesWith(places: string[]): Promise<string[]> {
    const child = spawn("grep", ["-rlaF", "-D", "skip", "-f", "-", "--", ...places], {
      env: { ...process.env, LC_ALL: "C" },
    });
    child.stdin.end(`${this.needles.join("\n")}\n`);
    const ended = new Promise((resolve) => child.on("close", resolve));
    const [out, words] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    await ended;
    // Files of a running server come and go.
    const troubles = words.split("\n").filter((line) => line !== "" && !line.endsWith("No such file or directory"));
    if (troubles.length > 0) throw new Error(`not everything could be looked into: ${troubles.join("; ")}`);
    return out.split("\n").filter((file) => file !== "");
  }
}
