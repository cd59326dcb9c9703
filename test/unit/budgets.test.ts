import { expect } from "chai";
import { budgets } from "../budgets";
import { planOf, stackConfig } from "./plan";

describe("the program's budget", () => {
  it("has room for the resources of prod", async () => {
    const { resources } = await planOf("prod", stackConfig("prod"));
    expect(resources.length, resources.map(({ name }) => name).join(", ")).to.be.at.most(budgets.resources);
  });
});
