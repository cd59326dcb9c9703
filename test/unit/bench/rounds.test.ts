import { expect } from "chai";
import { inTurn } from "../../../bench/rounds";

const quiet = (): void => undefined;

describe("rivals of the benchmark", () => {
  it("run in turn, each round begun by another, the first round not counted", async () => {
    const order: string[] = [];
    const rival = (name: string) => async () => order.push(name);
    const results = await inTurn({ a: rival("a"), b: rival("b") }, 2, quiet);
    expect(order).to.deep.equal(["a", "b", "b", "a", "a", "b"]);
    expect(results).to.deep.equal({ a: [4, 5], b: [3, 6] });
  });

  it("that take long do without a round that is not counted", async () => {
    const results = await inTurn({ a: async () => 1, b: async () => 2 }, 1, quiet, { warmUp: false });
    expect(results).to.deep.equal({ a: [1], b: [2] });
  });

  it("that take far longer than the others run in the first rounds only", async () => {
    const results = await inTurn({ a: async () => 1, b: async () => 2 }, 3, quiet, { fewer: { b: 2 } });
    expect(results).to.deep.equal({ a: [1, 1, 1], b: [2, 2] });
  });

  it("end the comparison by name when they do not run", async () => {
    const broken = async (): Promise<number> => {
      throw new Error("no operator");
    };
    const failure = await inTurn({ ours: async () => 1, theirs: broken }, 1, quiet).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(failure).to.equal("theirs did not run: no operator");
  });
});
