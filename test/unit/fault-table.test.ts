import { expect } from "chai";
import { type FaultRow, faultTable } from "../fault-table";
import { repetitions } from "../repetitions";

describe("the table of faults", () => {
  const row: FaultRow = {
    subject: "a cluster",
    fault: "a kill",
    tried: 3,
    writesBack: [1, 3, 2],
    wholeBack: [4, 5, 6],
    acknowledged: 70,
    lost: 0,
  };

  it("says how often a fault was tried, the median and the maximum", () => {
    expect(faultTable([row])).to.match(/a kill +3 +2\.00 s +3\.00 s +5\.00 s +6\.00 s +70 +0$/);
  });

  it("says how often it came back where that is less than it was tried", () => {
    expect(faultTable([{ ...row, writesBack: [1], wholeBack: [2] }])).to.match(/a kill +3, 1 came back +1\.00 s/);
    expect(faultTable([{ ...row, writesBack: [], wholeBack: [] }])).to.match(/a kill +3, 0 came back +- +- +- +- /);
  });
});

describe("a number of repetitions", () => {
  const variable = "REPETITIONS_OF_A_TEST";
  const asked = (text: string | undefined): number => {
    if (text !== undefined) process.env[variable] = text;
    try {
      return repetitions(variable, 7);
    } finally {
      delete process.env[variable];
    }
  };

  it("is what the variable says, and without one what the test says", () => {
    expect([asked("1"), asked("20"), asked(undefined)]).to.deep.equal([1, 20, 7]);
  });

  for (const text of ["", "0", "abc", "-1", "1.5"]) {
    it(`is refused when it is "${text}": with none every test would pass`, () => {
      expect(() => asked(text)).to.throw(`${variable} is "${text}"`);
    });
  }
});
