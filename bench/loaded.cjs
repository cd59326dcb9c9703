// Runs the program on mocked providers, as Pulumi's host starts it, and tells what it loads beside Pulumi's SDK.
// usage: node loaded.cjs <settings as JSON>
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const pulumi = require("@pulumi/pulumi");

const root = join(__dirname, "..");
const start = join(root, "start.cjs");

async function main() {
  const sdk = new Set(Object.keys(require.cache));
  await pulumi.runtime.setMocks(
    {
      call: ({ inputs }) => inputs,
      newResource: ({ name, inputs }) => ({ id: name, state: { result: "", ...inputs } }),
    },
    "kubernetes-postgres",
  );
  pulumi.runtime.setAllConfig(JSON.parse(process.argv[2]));
  await pulumi.runtime.runInPulumiStack(require(start));
  await pulumi.runtime.disconnect();
  // esbuild is loaded only where the program has changed.
  const files = Object.keys(require.cache).filter((file) => !sdk.has(file) && !file.includes("/node_modules/esbuild/"));
  const made = readFileSync(join(root, "node_modules", ".cache", "kubernetes-postgres", "program.cjs"));
  console.log(JSON.stringify({ files, kilobytes: made.length / 1000 }));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
