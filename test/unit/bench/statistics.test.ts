import { expect } from "chai";
import { lineThrough, median, ratio } from "../../../bench/statistics";

describe("what the benchmark makes of its figures", () => {
  it("the median is the middle, or between the two in the middle", () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
  });

  it("a ratio is the median of the rounds' ratios: a round that was slow for all does not count more", () => {
    expect(ratio([2, 20, 2.2], [1, 10, 1])).to.equal(2);
  });

  it("a ratio of rounds in which the other one did not run is refused; fewer are compared with the same ones", () => {
    expect(() => ratio([1, 2], [1])).to.throw("every round");
    expect(ratio([4, 6], [1, 2, 100])).to.equal(3.5);
  });

  it("a line through points that lie on one is that line", () => {
    const { slope, intercept, r2 } = lineThrough([
      [1, 5],
      [10, 23],
      [100, 203],
    ]);
    expect(slope).to.be.closeTo(2, 1e-9);
    expect(intercept).to.be.closeTo(3, 1e-9);
    expect(r2).to.be.closeTo(1, 1e-9);
  });

  it("points that grow with the square are not straight", () => {
    const squares = [1, 10, 100, 300].map((count): [number, number] => [count, count ** 2]);
    expect(lineThrough(squares).r2).to.be.lessThan(0.99);
  });

  it("what does not grow at all is a straight line", () => {
    expect(lineThrough([1, 3, 10].map((count) => [count, 2]))).to.deep.equal({ slope: 0, intercept: 2, r2: 1 });
  });
});
