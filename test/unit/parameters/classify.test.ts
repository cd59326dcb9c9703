import { expect } from "chai";
import * as fc from "fast-check";
import {
  needsRestart,
  renderPostgresqlConf,
  restartParameters,
} from "../../../components/postgres/parameters/classify";

/** Reads back what was rendered, by the rules of PostgreSQL's own scanner (guc-file.l). */
function parseConf(text: string): Record<string, string> {
  const line = /^([A-Za-z_][\w.]*) = (?:'((?:[^'\\\n]|\\.|'')*)'|(-?\d+[A-Za-z]*|-?\d+\.\d+|[A-Za-z_][\w.:/-]*))$/;
  const withoutEscapes = (quoted: string) =>
    quoted.replace(/''|\\(.)/g, (both, escaped) =>
      both === "''" ? "'" : ({ n: "\n", r: "\r" }[String(escaped)] ?? escaped),
    );
  return Object.fromEntries(
    text
      .split("\n")
      .filter((row) => row !== "")
      .map((row) => {
        const [, name, quoted, plain] = line.exec(row) ?? [];
        if (name === undefined) throw new Error(`not a line of postgresql.conf: ${row}`);
        return [name, plain ?? withoutEscapes(quoted ?? "")];
      }),
  );
}

describe("postgresql.conf", () => {
  it("is sorted, and quotes only what needs it", () => {
    const text = renderPostgresqlConf({
      work_mem: "4MB",
      archive_command: "",
      "a.b": "it's\\",
      timezone: "Etc/UTC",
      seq_page_cost: "-1.5",
    });
    expect(text).to.equal(
      "TimeZone = Etc/UTC\na.b = 'it''s\\\\'\narchive_command = ''\nseq_page_cost = -1.5\nwork_mem = 4MB\n",
    );
  });

  it("reads back as it was, whatever the values hold", () => {
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("'", "\\", "\n", "\r", "n", " ", "#", "=", "é") }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^x\.[a-z_]{1,6}$/), value), (values) => {
        const parameters = Object.fromEntries(
          Object.entries(values).map(([name, text]) => [name, text.replaceAll("\0", "")]),
        );
        expect(parseConf(renderPostgresqlConf(parameters))).to.deep.equal(parameters);
      }),
      { numRuns: 500 },
    );
  });
});

describe("parameters that need a restart", () => {
  for (const [name, major, restart] of [
    ["max_connections", 16, true],
    ["shared_preload_libraries", 16, true],
    ["MAX_WAL_SENDERS", 16, true],
    ["work_mem", 16, false],
    ["max_wal_size", 16, false],
    ["log_line_prefix", 16, false],
    ["autovacuum_max_workers", 17, true],
    ["autovacuum_max_workers", 18, false],
    ["pg_stat_statements.max", 16, false],
    ["unknown_one", 16, true],
    ["io_workers", 17, true],
    ["io_workers", 18, false],
  ] as const) {
    it(`${name} of ${major}: ${restart ? "restart" : "reload"}`, () => {
      expect(needsRestart(name, major)).to.equal(restart);
    });
  }

  it("are picked from the others", () => {
    const parameters = { max_connections: "10", work_mem: "4MB", "a.b": "1" };
    expect(restartParameters(parameters, 16)).to.deep.equal({ max_connections: "10" });
    expect(restartParameters(parameters, undefined)).to.deep.equal({ max_connections: "10" });
  });
});
