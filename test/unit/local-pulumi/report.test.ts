import { expect } from "chai";
import { readReport } from "../../../local/pulumi/pods/report";

describe("what a pod says of itself, read", () => {
  it("is the end of its certificate as ISO 8601 has it, and its notices in their order", () => {
    const text = "notice\tthe volume is full\ncertificate\tFeb 26 20:00:00 2027 GMT\nnotice\tfirst, then\tsecond\n";
    expect(readReport(text)).to.deep.equal({
      certificateEnds: "2027-02-26T20:00:00.000Z",
      notices: ["the volume is full", "first, then second"],
    });
  });

  it("is nothing where it says nothing, and passes over what it does not know", () => {
    const nothing = { certificateEnds: undefined, notices: [] };
    expect(readReport("")).to.deep.equal(nothing);
    expect(readReport("something\tof a later version\ncertificate\t\n")).to.deep.equal(nothing);
  });
});
