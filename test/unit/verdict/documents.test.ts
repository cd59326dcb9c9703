import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { SettingVerdict } from "../../../components/postgres/verdict/types";
import { documentOf } from "../../../local/verdict/document";
import { type Edit, verdictOn } from "./edit";
import { found } from "./found";

const update = process.env.UPDATE_GOLDEN === "1";

/** Edits whose documents are reviewed as people see them. */
const edits: Record<string, Edit> = {
  several: {
    stack: "prod",
    to: {
      resources: { limits: { memory: "4Gi" } },
      parameters: { idle_in_transaction_session_timeout: "5min", work_mem: "8MB" },
      passwordGeneration: 2,
      roles: [{ name: "reader", memberOf: ["pg_read_all_data"] }],
    },
  },
  canary: { stack: "dev", from: { updateStrategy: { partition: 2 } }, to: { image: "postgres:16.4" } },
  refused: { stack: "prod", to: { replicas: 0, storageSize: "10", image: "a|`b`" } },
  destructive: { stack: "dev", ...found("a further claim") },
  drift: { stack: "dev", ...found("no PodDisruptionBudget"), to: { synchronousReplicas: 1 } },
  "after-down": {
    stack: "dev",
    isNew: true,
    data: { claims: ["data-postgres-0", "data-postgres-1", "data-other-0"], recorded: true },
  },
  "after-down-without-primary": { stack: "dev", isNew: true, data: { claims: ["data-postgres-1"], recorded: true } },
  "all-gone": { stack: "dev", ...found("nothing that is the namespace's"), data: { claims: [], recorded: false } },
  "scaled-up-again": {
    stack: "dev",
    to: { replicas: 5 },
    data: { claims: ["data-postgres-0", "data-postgres-3"], recorded: true },
  },
  nothing: { stack: "prod" },
};

for (const [name, edit] of Object.entries(edits)) {
  for (const [format, ending] of [
    ["text", "txt"],
    ["markdown", "md"],
  ] as const) {
    it(`the verdict on "${name}" reads well as ${format}`, async () => {
      const file = join(__dirname, "golden", `${name}.${ending}`);
      const text = `${documentOf(await verdictOn(edit), format)}\n`;
      if (update) writeFileSync(file, text);
      expect(existsSync(file), `${file} exists`).to.equal(true);
      expect(text).to.equal(readFileSync(file, "utf8"));
    });
  }
}

describe("the comment of a pull request", () => {
  it("begins with a line that nobody sees and that names its stack, to be found again", async () => {
    const comment = documentOf(await verdictOn({ stack: "prod", to: { protect: false } }), "markdown");
    expect(comment.split("\n")[0]).to.equal("<!-- kubernetes-postgres verdict: prod -->");
    expect(comment).to.match(/^### PostgreSQL stack `prod`: /m);
  });

  /** A comment on a refusal in these words. */
  async function commentOn(asked: string, why = "", fix = ""): Promise<string> {
    const verdict = await verdictOn({ stack: "prod", to: { replicas: 0 } });
    return documentOf({ ...verdict, problems: [{ setting: "image", asked, why, fix }] }, "markdown");
  }

  it("shows a value as code, whatever is in it", async () => {
    const shown: Record<string, string> = {
      "a```<img src=x> @everyone": "```` a```<img src=x> @everyone ````",
      "``a`": "``` ``a` ```",
      "a`": "`` a` ``",
      plain: "`plain`",
    };
    for (const [value, code] of Object.entries(shown)) {
      expect(await commentOn(value)).to.contain(`- \`image\`: ${code}\n`);
      const setting: SettingVerdict = { setting: "s", before: "", after: value, class: "reload", derived: [] };
      const verdict = await verdictOn({ stack: "prod", to: { passwordGeneration: 2 } });
      expect(documentOf({ ...verdict, settings: [setting] }, "markdown")).to.contain(`| \`s\` | \`""\` | ${code} |`);
    }
  });

  it("takes nothing in its words for Markdown, for HTML, or for somebody's name", async () => {
    const comment = await commentOn("x", "<img src=x> @everyone #1 ~bug &lt;", "* [a](b) `c` _d_");
    expect(comment).to.contain("\\<img src=x> \\@&#8203;everyone \\#&#8203;1 \\~bug \\&lt;");
    expect(comment).to.contain("\\* \\[a\\](b) \\`c\\` \\_d\\_");
  });
});
