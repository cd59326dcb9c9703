import { renameSync, writeFileSync } from "node:fs";

/** Writes a file so that whoever reads it meanwhile, or after a kill, has all of the old text or all of the new one. */
export function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
