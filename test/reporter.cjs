// Mocha's spec output, and in the file that COUNTS names the counts of the run and what failed, why, for the runner to add
// up.
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    runner.on("fail", (test, { message }) => failed.push(`${test.fullTitle()}\n${message}`.replaceAll("\n", "\n    ")));
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      if (process.env.COUNTS) writeFileSync(process.env.COUNTS, JSON.stringify({ passes, failures, pending, failed }));
    });
  }
};
