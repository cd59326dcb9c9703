import { resolve } from "node:path";
import type { CommandLine } from "../arguments";
import { renderStack } from "../render/render";

/** Writes a stack's manifests to a folder. */
export async function render({ stack, out = "" }: CommandLine): Promise<void> {
  // npm starts us in the repository; a person means the folder they are in.
  const folder = resolve(process.env.INIT_CWD ?? process.cwd(), out);
  const { added, changed, removed, unchanged } = await renderStack({ stack, folder });
  const manifests = added.length + changed.length + unchanged.length - 1;
  console.log(`${manifests} manifests of stack ${stack} are in ${folder}, without passwords.`);
  for (const [what, paths] of Object.entries({ new: added, changed, removed })) {
    if (paths.length > 0) console.log(`  ${what}: ${paths.join(", ")}`);
  }
  if (added.length + changed.length + removed.length === 0) console.log("  nothing changed");
  console.log(`${folder}/README.md says in which order they are applied.`);
}
