import { expect } from "chai";
import { duration, Progress } from "../../../local/progress";

/** A progress that writes into a list, with a clock that is moved by hand. */
function recorded(isTTY: boolean) {
  const written: string[] = [];
  const clock = { now: 0 };
  const output = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { written, clock, progress: new Progress({ output, heartbeatMs: 5, now: () => clock.now }) };
}

describe("progress", () => {
  it("says which step it is, what comes next, and how long each took", async () => {
    const { written, clock, progress } = recorded(false);
    progress.plan("build", "start");
    await progress.step("build", async () => {
      clock.now += 65_000;
    });
    await progress.step("start", async () => undefined);
    expect(written.join("")).to.equal(
      "[1/2] build; next: start\n[1/2] build: done in 1 min 05 s\n[2/2] start\n[2/2] start: done in 0.0 s\n",
    );
  });

  it("gives a sign of life with the step's own words while it works", async () => {
    const { written, clock, progress } = recorded(false);
    await progress.step("build", async (note) => {
      note("12 of 40 packages");
      clock.now += 15_000;
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    expect(written[1]).to.equal("[1/1] build: 15 s so far (12 of 40 packages)\n");
  });

  it("rewrites one line on a terminal and never fills it", async () => {
    const { written, progress } = recorded(true);
    progress.plan("a step", "one with a name that is much longer than the terminal is wide, or so it seems");
    await progress.step("a step", () => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(written[0]).to.match(/^\[1\/2\] a step: .* so far; next: one/);
    expect(written[0]?.length).to.equal(59);
    expect(written.slice(1).join("")).to.equal("\r\u001b[K[1/2] a step: done in 0.0 s\n");
  });

  it("passes a failure on and shows where it happened", async () => {
    const { written, progress } = recorded(false);
    const failure = new Error("no");
    const caught = await progress.step("build", () => Promise.reject(failure)).catch((error: unknown) => error);
    expect(caught).to.equal(failure);
    expect(written.at(-1)).to.equal("[1/1] build: failed after 0.0 s\n");
  });

  it("forgets an announced step that is not needed", async () => {
    const { written, progress } = recorded(false);
    progress.plan("build", "start");
    progress.drop("build");
    await progress.step("start", async () => undefined);
    expect(written[0]).to.equal("[1/1] start\n");
  });

  it("writes durations for people", () => {
    expect([0, 400, 9_949, 9_950, 59_400, 59_600, 600_000].map(duration)).to.deep.equal([
      "0.0 s",
      "0.4 s",
      "9.9 s",
      "10 s",
      "59 s",
      "1 min 00 s",
      "10 min 00 s",
    ]);
  });
});
