import { expect } from "chai";
import { conclusion, reportBody } from "../../../ci/report";
import { marker } from "../../../local/verdict/markdown";

const result = { stack: "dev", code: 2, verdict: "", words: "" };

const judged = { ...result, verdict: `${marker("dev")}\n## reload\n` };

describe("the report of a preview", () => {
  it("is the verdict, with the marker first and once", () => {
    const verdict = `${marker("dev")}\n## reload\n`;
    expect(reportBody({ ...result, verdict })).to.equal(`${marker("dev")}\n## reload\n`);
    expect(reportBody({ ...result, verdict, code: 1, words: "progress" })).to.equal(`${marker("dev")}\n## reload\n`);
  });

  it("is what was said last where there is no verdict, in a block that nothing in it can end", () => {
    const words = [...Array.from({ length: 60 }, (_, line) => `line ${line}`), "```", "<!-- x -->"].join("\n");
    const body = reportBody({ ...result, code: 1, words });
    expect(body).to.match(
      /^<!-- kubernetes-postgres verdict: dev -->\n### Stack dev: the preview ended with 1\n\n````text\n/,
    );
    expect(body).to.contain("line 59\n```\n<!-- x -->\n````\n").and.not.contain("line 10\n");
    expect(reportBody({ ...result, code: 1 })).to.contain("It said nothing.");
  });

  it("fits into a comment", () => {
    const body = reportBody({ ...result, verdict: "x".repeat(100_000) });
    expect(body.length).to.be.lessThan(65_536);
    expect(body).to.match(/The rest is in the job's log/);
  });

  it("lets changes pass, and what destroys only where it is allowed", () => {
    const ok = (code: number, allowed = false): boolean => conclusion({ ...judged, code }, allowed).ok;
    expect([ok(0), ok(2), ok(3), ok(3, true), ok(1), ok(1, true), ok(130, true)]).to.deep.equal([
      true,
      true,
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(conclusion({ ...judged, code: 3 }, false).line).to.match(/would go\. .*label "destructive"/);
  });
});

describe("a preview that judged and left no verdict", () => {
  for (const code of [0, 2, 3]) {
    it(`fails the job, though it ended with ${code}`, () => {
      for (const verdict of ["", " \n", `${marker("dev")}\n`]) {
        const { ok, line } = conclusion({ ...result, code, verdict }, true);
        expect(ok, JSON.stringify(verdict)).to.equal(false);
        expect(line).to.match(/verdict is missing or empty\. Give --verdict the file/);
      }
    });
  }
});
