import { expect } from "chai";
import { readOutputs, withoutSecrets } from "../../../local/pulumi/outputs";
import { generatedPassword, planOf, stackConfig } from "../plan";

describe("the outputs of a stack, as the commands read them", () => {
  let all: Record<string, { value: unknown }>;

  before(async () => {
    const { outputs } = await planOf("dev", stackConfig("dev"));
    all = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, { value }]));
  });

  it("hold no password when they are printed", () => {
    const read = readOutputs(all);
    expect(JSON.stringify(read)).to.include(generatedPassword);
    expect(read && JSON.stringify(withoutSecrets(read)))
      .to.include("endpoints")
      .and.not.include(generatedPassword);
  });

  it("are read from a stack that an earlier version deployed", () => {
    const { passwords, ...earlier } = all;
    expect(passwords).to.be.an("object");
    expect(readOutputs(earlier)).to.deep.include({ database: "myapp", passwords: {} });
  });

  it("are none while the stack is not deployed", () => {
    expect(readOutputs({})).to.equal(undefined);
  });
});
