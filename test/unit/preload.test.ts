import { expect } from "chai";
import { preloaded } from "../../components/postgres/additions/preload";
import type { PostgresClusterArgs } from "../../components/postgres/args";
import { clusterProblems } from "../../components/postgres/validate";

/** Problems with these extensions, with this value of shared_preload_libraries. */
function told(extensions: string[], libraries?: string, more: PostgresClusterArgs = {}): string[] {
  const parameters: Record<string, string> = libraries === undefined ? {} : { Shared_Preload_Libraries: libraries };
  const args = { extensions: extensions.map((name) => ({ name })), parameters, ...more };
  return clusterProblems(args).map(({ setting, asked, why, fix }) => `${setting}|${asked}|${why}|${fix}`);
}

describe("an extension whose library the server must load as it starts", () => {
  for (const name of preloaded) {
    it(`is refused without it: ${name}`, () => {
      const problems = told(["hstore", name]);
      expect(problems, problems.join("\n")).to.have.length(1);
      expect(problems[0]).to.match(
        new RegExp(`^extensions.1.name\\|${name}\\|.*is not set.*shared_preload_libraries: ${name}\\.`),
      );
    });

    for (const libraries of [name, `"${name}"`, `auto_explain, $libdir/${name}.so`]) {
      it(`may be made with it: ${libraries}`, () => {
        expect(told([name], libraries)).to.deep.equal([]);
      });
    }
  }

  it("is added to the libraries that are loaded already, all in one go, and citus before them", () => {
    const problems = told(["pgaudit", "citus"], "auto_explain");
    expect(problems.map((problem) => problem.split("|")[1])).to.deep.equal(["pgaudit", "citus"]);
    for (const problem of problems) {
      expect(problem).to.match(/has only auto_explain\..*shared_preload_libraries: citus, auto_explain, pgaudit\./);
    }
  });

  it("is refused once, however many databases have it", () => {
    const extensions = ["myapp", "postgres"].map((database) => ({ name: "pg_stat_statements", database }));
    expect(told([], undefined, { extensions })).to.have.length(1);
  });

  it("is not mistaken for one of a similar name", () => {
    expect(told(["pg_cron"], "pg_cron_extra")).to.have.length(1);
    expect(told(["hstore", "pg_trgm", "pg_stat_statements_extra"])).to.deep.equal([]);
  });
});
