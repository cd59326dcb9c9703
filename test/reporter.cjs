// Mocha's spec output, and the counts of the run in the file that COUNTS names, for the runner to add up.
const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      if (process.env.COUNTS) writeFileSync(process.env.COUNTS, JSON.stringify({ passes, failures, pending }));
    });
  }
};
