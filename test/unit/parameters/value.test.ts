import { expect } from "chai";
import * as fc from "fast-check";
import { knownMajors, majorsOf, settingNames, settingOf } from "../../../components/postgres/parameters/catalog";
import { nearest } from "../../../components/postgres/parameters/nearest";
import { amount, readValue } from "../../../components/postgres/parameters/value";

function read(name: string, text: string, major = 16) {
  const setting = settingOf(name, major);
  if (setting === undefined) throw new Error(`no setting ${name}`);
  return readValue(setting, text);
}

describe("values of parameters", () => {
  // Each row was compared with what servers of all majors say.
  const accepted: [string, string, string][] = [
    ["fsync", "tru", "on"],
    ["fsync", "OFF", "off"],
    ["fsync", "n", "off"],
    ["fsync", "1", "on"],
    ["max_connections", " 7 ", "7"],
    ["max_connections", "010", "8"],
    ["max_connections", "0x10", "16"],
    ["max_connections", "1e3", "1000"],
    ["max_connections", "2.5", "2"],
    ["max_connections", "3.5", "4"],
    ["work_mem", "10 MB", "10240"],
    ["work_mem", "30.1GB", "31561728"],
    ["work_mem", "1.5GB", "1572864"],
    ["work_mem", "4096", "4096"],
    ["work_mem", "131072B", "128"],
    ["shared_buffers", "128MB", "16384"],
    ["max_wal_size", "1TB", "1048576"],
    ["statement_timeout", "1.5min", "90000"],
    ["statement_timeout", "1d", "86400000"],
    ["statement_timeout", "2500us", "2"],
    ["checkpoint_timeout", "15min", "900"],
    ["random_page_cost", "1.1", "1.1"],
    ["random_page_cost", ".5", "0.5"],
    ["wal_level", "Replica", "replica"],
    ["wal_level", "hot_standby", "replica"],
    ["synchronous_commit", "false", "off"],
    ["client_min_messages", "debug", "debug2"],
    ["log_line_prefix", "any text", "any text"],
  ];
  for (const [name, text, normal] of accepted) {
    it(`${name} = ${JSON.stringify(text)} is ${normal}`, () => {
      expect(read(name, text)).to.include({ ok: true, normal });
    });
  }

  const refused: [string, string, RegExp][] = [
    ["fsync", "o", /on or off/],
    ["fsync", "", /on or off/],
    ["max_connections", "", /Write it like 100/],
    ["max_connections", "08", /Write it like/],
    ["max_connections", "0", /between 1 and 262143.*Write 1 or more/],
    ["max_connections", "10MB", /no unit MB.*Write 10/],
    ["work_mem", "10Mi", /no unit Mi.*mean 10MB/],
    ["work_mem", "10mb", /mean 10MB/],
    ["work_mem", "63kB", /between 64kB and/],
    ["work_mem", "7", /counts as 7kB/],
    ["work_mem", "4 MB x", /number with a unit/],
    ["statement_timeout", "5sec", /mean 5s/],
    ["statement_timeout", "5MB", /knows d, h, min, s, ms, us/],
    ["random_page_cost", "-3", /must be 0 or more/],
    ["wal_level", "replicas", /mean replica/],
    ["synchronous_commit", "tru", /takes only/],
    ["log_line_prefix", "a\0b", /zero byte/],
  ];
  for (const [name, text, message] of refused) {
    it(`${name} = ${JSON.stringify(text)} is refused`, () => {
      const reading = read(name, text);
      expect(reading.ok ? "" : `${reading.why} ${reading.fix}`).to.match(message);
    });
  }

  it("reads every default as valid, in every major", () => {
    for (const major of knownMajors) {
      for (const name of settingNames(major)) {
        const setting = settingOf(name, major);
        // Some built-in values only mean "not said" and are below the least one.
        if (setting?.default === undefined || setting.context === "internal") continue;
        expect(readValue(setting, setting.default).ok, `${major} ${name} = ${setting.default}`).to.equal(true);
      }
    }
  });

  it("writes an amount that reads as the same number", () => {
    const units = ["B", "kB", "8kB", "MB", "ms", "s", "min"];
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 2 ** 31 - 1 }), fc.constantFrom(...units), (number, unit) => {
        const setting = { name: "x", type: "integer", context: "user", unit };
        expect(readValue(setting, amount(number, unit))).to.include({ ok: true, number });
      }),
    );
  });

  it("never throws", () => {
    const names = settingNames(18);
    fc.assert(fc.property(fc.constantFrom(...names), fc.string(), (name, text) => void read(name, text, 18)));
  });

  it("knows the settings of five majors, under any spelling", () => {
    expect(knownMajors).to.deep.equal([14, 15, 16, 17, 18]);
    expect(settingNames(14)).to.have.length(346);
    expect(settingNames(18)).to.have.length(398);
    expect(settingNames(undefined)).to.deep.equal(settingNames(18));
    expect(settingOf("timezone", 16)?.name).to.equal("TimeZone");
    expect(settingOf("wal_compression", 14)?.type).to.equal("bool");
    expect(settingOf("wal_compression", 15)?.values).to.include("lz4");
    expect(majorsOf("promote_trigger_file")).to.deep.equal([14, 15]);
    expect(settingOf("io_method", 17)).to.equal(undefined);
  });

  it("finds what was meant", () => {
    expect(nearest("shared_bufers", settingNames(16))).to.equal("shared_buffers");
    expect(nearest("zzzzzz", settingNames(16))).to.equal(undefined);
  });
});
