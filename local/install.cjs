// Installs the npm packages when they are missing or older than the lock file, so that every command of package.json
// works in a fresh clone. Plain JavaScript: nothing else can be loaded before it has run.
const { spawnSync } = require("node:child_process");
const { existsSync, statSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const lock = join(root, "package-lock.json");
const installed = join(root, "node_modules", ".package-lock.json");

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old: this program needs 20.19 or newer. Install a newer Node and try again.`,
  );
  process.exit(1);
}
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.error("Installing npm packages (once, less than a minute) ...");
  // Scripts of packages are not run: none is needed, and this program's own would build what only apps use.
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr, error } = spawnSync("npm", ["ci", ...options], {
    cwd: root,
    stdio: ["ignore", 2, "pipe"],
    encoding: "utf8",
  });
  process.stderr.write(stderr ?? "");
  if (status !== 0) {
    const outOfSync = /can only install .*in sync|\bEUSAGE\b/s.test(stderr ?? "");
    console.error(
      error !== undefined
        ? `npm could not be started: ${error.message}. Install npm, then run the same command again.`
        : outOfSync
          ? "package.json and package-lock.json of this repository do not match: a fault of the repository, not of your " +
            "machine. npm install gets you going (it mends the lock file); then run the same command again."
          : "npm ci failed; its own words are above. Mend that, then run the same command again.",
    );
    process.exit(1);
  }
}
