import { expect } from "chai";
import { budgets } from "../budgets";
import { planOf, stackConfig } from "./plan";

describe("the program's budget", () => {
  it("is what the resources of prod are", async () => {
    const { resources } = await planOf("prod", stackConfig("prod"));
    expect(resources.length, resources.map(({ name }) => name).join(", ")).to.equal(budgets.resources);
  });
});
