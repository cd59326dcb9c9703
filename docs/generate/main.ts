import { writeFileSync } from "node:fs";
import { documents } from "./documents";
import { componentSchema } from "./schema";

const main = async (): Promise<void> => {
  for (const { file, text } of [...documents(), await componentSchema()]) {
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
