import { readFileSync } from "node:fs";
import { expect } from "chai";
import { componentSchema } from "../../docs/generate/schema";

describe("the component's package for programs in other languages", () => {
  it("has the schema that Pulumi reads from the types: `npm run docs` writes it", async function () {
    // TypeScript reads all the types of Pulumi's SDKs.
    this.timeout(60_000);
    const { text, file } = await componentSchema();
    expect(readFileSync(file, "utf8")).to.equal(text);
  });
});
