import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import { knownMajors, settingOf } from "../../components/postgres/parameters/catalog";
import { findingOf } from "../../components/postgres/parameters/check";
import { renderPostgresqlConf } from "../../components/postgres/parameters/classify";
import { serverParameters } from "../../components/postgres/parameters/sizing";
import { readValue } from "../../components/postgres/parameters/value";

const installed = "/usr/lib/postgresql";

/** The newest server that Debian's packages installed here. @throws Error when there is none. */
function findServer(): { major: number; program: string } {
  const majors = existsSync(installed) ? readdirSync(installed).map(Number) : [];
  const major = Math.max(...majors.filter((found) => knownMajors.includes(found)));
  const program = `${installed}/${major}/bin/postgres`;
  if (!existsSync(program)) throw new Error(`no PostgreSQL below ${installed}: npm run test:bootstrap installs it`);
  return { major, program };
}

// `postgres -C name` reads the whole file, refuses it where it is wrong, prints one parameter and ends: no server, no data directory.
describe("a real server reads postgresql.conf", () => {
  const server = findServer();
  const directory = mkdtempSync(join(tmpdir(), "postgresql-conf-"));
  after(() => rmSync(directory, { recursive: true }));

  function serverReads(name: string, parameters: Record<string, string>): string | undefined {
    const file = join(directory, "postgresql.conf");
    writeFileSync(file, renderPostgresqlConf(parameters));
    try {
      const printed = execFileSync(server.program, ["-C", name, "-D", directory, "-c", `config_file=${file}`], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      return printed.slice(0, -1);
    } catch {
      return undefined;
    }
  }

  it("with the computed settings of small and large pods", () => {
    for (const gibi of [0.125, 0.5, 2, 64]) {
      const size = {
        memoryLimitBytes: gibi * 2 ** 30,
        storageBytes: gibi * 2 ** 34,
        replicas: 3,
        cpuMillicores: gibi * 1000,
      };
      expect(serverReads("wal_level", serverParameters({ ...size, major: server.major })), `${gibi}Gi`).to.equal(
        "replica",
      );
      expect(serverReads("wal_level", serverParameters(size)), `${gibi}Gi, any major`).to.equal("replica");
    }
  });

  it("with the text of a value as it was", () => {
    const text = fc.string({
      unit: fc.constantFrom("'", "\\", "n", " ", "#", "=", "é", "\n", "\t", "0", '"'),
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, (value) => {
        expect(serverReads("x.y", { "x.y": value })).to.equal(value);
      }),
      { numRuns: 10 },
    );
  });

  const values: [string, string][] = [
    ["work_mem", "30.1GB"],
    ["work_mem", "1e3kB"],
    ["work_mem", "10Mi"],
    ["work_mem", "63kB"],
    ["max_connections", "010"],
    ["max_connections", "08"],
    ["max_connections", "2.5"],
    ["statement_timeout", "1.5min"],
    ["statement_timeout", "5sec"],
    ["fsync", "tru"],
    ["fsync", "o"],
    ["wal_level", "hot_standby"],
    ["wal_level", "replicas"],
    ["random_page_cost", "-1"],
    ["no_such_parameter", "1"],
  ];
  for (const [name, value] of values) {
    it(`and judges ${name} = ${value} as the check does`, () => {
      const setting = settingOf(name, server.major);
      const printed = serverReads(name, { [name]: value });
      const reading = setting === undefined ? undefined : readValue(setting, value);
      expect(printed === undefined).to.equal(
        reading === undefined ? findingOf(name, value, server.major) !== undefined : !reading.ok,
      );
      if (reading?.ok) expect(printed).to.equal(reading.normal);
    });
  }
});
