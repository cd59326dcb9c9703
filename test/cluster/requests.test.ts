import { expect } from "chai";
import { budgets } from "../budgets";
import { TestStack } from "./stack";

describe("what Pulumi asks the API server for, where nothing changes", function () {
  this.timeout("4 minutes");
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.create("requests", { replicas: 3 });
    await stack.up();
  });
  after(() => stack.remove());

  for (const operation of ["preview", "up"] as const) {
    it(`is the budget of ${operation === "up" ? "an" : "a"} ${operation}`, async () => {
      const requests = await stack.requestsOf(operation);
      expect(requests.length, requests.join("\n")).to.equal(budgets.requests[operation]);
    });
  }
});
