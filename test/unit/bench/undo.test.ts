import { expect } from "chai";
import { takingBack } from "../../../bench/undo";

describe("what a part of the benchmark leaves", () => {
  it("is taken back at its end, the last first", async () => {
    const taken: string[] = [];
    const result = await takingBack(async (undo) => {
      undo(() => taken.push("first"));
      undo(async () => taken.push("second"));
      return "measured";
    });
    expect(result).to.equal("measured");
    expect(taken).to.deep.equal(["second", "first"]);
  });

  it("is taken back whole where the work fails, and where a step does; what failed first is thrown", async () => {
    const taken: string[] = [];
    const told: unknown[] = [];
    const { error } = console;
    console.error = (...words) => told.push(words.join(" "));
    const failure = await takingBack(async (undo) => {
      undo(() => taken.push("first"));
      undo(() => Promise.reject(new Error("the step")));
      throw new Error("the work");
    })
      .catch((thrown: Error) => thrown.message)
      .finally(() => {
        console.error = error;
      });
    expect(failure).to.equal("the work");
    expect(taken).to.deep.equal(["first"]);
    expect(told).to.deep.equal(["Not taken back: Error: the step"]);
  });
});
