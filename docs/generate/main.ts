import { writeFileSync } from "node:fs";
import { documents } from "./documents";

for (const { file, text } of documents()) {
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}
