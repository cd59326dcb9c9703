import { expect } from "chai";
import * as fc from "fast-check";
import { settingNames } from "../../../components/postgres/parameters/catalog";
import { checkParameters } from "../../../components/postgres/parameters/check";
import { rules } from "../../../components/postgres/parameters/owned";
import type { ServerSize } from "../../../components/postgres/parameters/sizing";
import { formatProblems } from "../../../components/postgres/problem";

const gibi = 2 ** 30;
const small: ServerSize = {
  major: 16,
  memoryLimitBytes: gibi / 2,
  storageBytes: 10 * gibi,
  replicas: 3,
  cpuMillicores: 500,
};
const told = (parameters: Record<string, string>, size: Partial<ServerSize> = {}) =>
  checkParameters(parameters, { ...small, ...size }).map(
    ({ setting, asked, why, fix }) => `${setting}|${asked}|${why}|${fix}`,
  );

describe("checks of parameters", () => {
  const refused: [string, Record<string, string>, Partial<ServerSize>, RegExp][] = [
    [
      "a slip",
      { shared_bufers: "1MB" },
      {},
      /^parameters.shared_bufers\|1MB\|PostgreSQL 16 has no.*mean shared_buffers\?/,
    ],
    ["nothing alike", { colour: "red" }, {}, /has no parameter.*manual/],
    ["a name that JavaScript knows", { constructor: "1" }, {}, /has no parameter.*manual/],
    ["a former name", { wal_keep_segments: "8" }, {}, /Use wal_keep_size/],
    ["another product's name", { innodb_buffer_pool_size: "1G" }, {}, /MySQL/],
    ["a newer major's", { io_method: "worker" }, {}, /only from PostgreSQL 18 on, and the image has 16/],
    ["an older major's", { old_snapshot_threshold: "1h" }, { major: 17 }, /only up to PostgreSQL 16/],
    [
      "a newer major's with no version known",
      { old_snapshot_threshold: "1h" },
      { major: undefined },
      /the image has 18/,
    ],
    ["a choice of a newer major", { wal_compression: "lz4" }, { major: 14 }, /on or off/],
    ["a report", { server_version: "16" }, {}, /no file can set it/],
    ["a session's", { transaction_isolation: "serializable" }, {}, /no file can set it/],
    ["a value out of range", { max_connections: "0" }, {}, /between 1 and 262143/],
    ["a name set twice", { work_mem: "2MB", WORK_MEM: "3MB" }, {}, /^parameters.WORK_MEM\|3MB\|It is set twice/],
    ["an odd custom name", { "a.b.c": "1" }, {}, /one dot/],
    ["a zero byte", { "a.b": "\0" }, {}, /zero byte/],
    ["an address", { listen_addresses: "localhost" }, {}, /^parameters.listen_addresses\|localhost\|/],
    ["a port", { port: "5433" }, {}, /5432/],
    ["fsync off in any spelling", { fsync: "NO" }, {}, /damaged beyond repair.*SET LOCAL synchronous_commit/],
    ["an enum's off", { synchronous_commit: "false" }, {}, /lose acknowledged commits/],
    ["wal_level minimal", { wal_level: "minimal" }, {}, /replica \(the default\) or logical/],
    ["a path, valid or not", { data_directory: "/x" }, {}, /volume/],
    ["what only its neighbour may be", { log_destination: "off" }, {}, /kubectl logs/],
    ["a file that is no switch", { ssl_ca_file: "off" }, {}, /set tls.mode/],
    ["what another setting decides", { ssl: "off" }, {}, /The setting tls decides/],
    ["TLS that is broken", { ssl_min_protocol_version: "TLSv1.1" }, {}, /broken and withdrawn.*TLSv1.2/],
    ["ciphers that encrypt nothing", { ssl_ciphers: "eNULL:@SECLEVEL=0" }, {}, /encrypts nothing.*Leave it out/],
    ["a curve", { ssl_ecdh_curve: "nonsense" }, {}, /keeps it from starting/],
    [
      "a newest TLS that is older than the oldest",
      { ssl_max_protocol_version: "TLSv1.2" },
      {},
      /ssl_min_protocol_version/,
    ],
    ["an unsafe switch", { zero_damaged_pages: "on" }, {}, /rows disappear/],
    ["io_uring", { io_method: "io_uring" }, { major: 18 }, /seccomp.*Use worker/],
    ["a tiny max_wal_size", { max_wal_size: "16MB" }, {}, /two WAL segments/],
    ["odd pages", { transaction_buffers: "40kB" }, { major: 17 }, /multiple of 128kB/],
    [
      "the source's shared_buffers in a small pod",
      { shared_buffers: "256MB", max_connections: "100" },
      {},
      /^parameters.shared_buffers, parameters.max_connections\|256MB, 100\|.*643.7Mi.*512Mi.*shared_buffers to 128MB or less.*max_connections to 56 or less.*704Mi/,
    ],
    ["shared_buffers over the limit", { shared_buffers: "1GB" }, {}, /limit is 512Mi/],
    ["many connections", { max_connections: "1000" }, {}, /max_connections to \d+ or less/],
    ["work_mem", { work_mem: "64MB" }, {}, /work_mem to \dMB or less/],
    ["unlimited slots", { max_slot_wal_keep_size: "-1" }, {}, /10Gi\) is full.*2GB/],
    [
      "WAL over the volume",
      { max_wal_size: "9GB" },
      {},
      /11Gi.*10Gi has room for 8Gi.*max_wal_size to 6GB or less.*storageSize to 15Gi/,
    ],
    ["kept WAL over the volume", { wal_keep_size: "8GB" }, {}, /wal_keep_size to 7GB or less/],
    ["too few senders", { max_wal_senders: "2" }, {}, /2 replicas stream.*Use 3 or more/],
    ["too few slots", { max_replication_slots: "1" }, {}, /Use 2 or more/],
    ["all connections reserved", { reserved_connections: "40" }, {}, /43 of 42 connections are reserved/],
  ];
  for (const [what, parameters, size, message] of refused) {
    it(`refuses ${what}`, () => {
      const problems = told(parameters, size);
      expect(problems, problems.join("\n")).to.have.length(1);
      expect(problems[0]).to.match(message);
    });
  }

  const accepted: [string, Record<string, string>, Partial<ServerSize>][] = [
    ["nothing", {}, {}],
    ["the source's 100 connections", { max_connections: "100" }, {}],
    [
      "the source's configuration in a pod that holds it",
      {
        listen_addresses: "*",
        max_connections: "100",
        shared_buffers: "256MB",
        wal_level: "replica",
        max_wal_senders: "10",
        max_replication_slots: "10",
        hot_standby: "on",
      },
      { memoryLimitBytes: 2 * gibi },
    ],
    ["any spelling of a name", { timezone: "UTC", WORK_MEM: "2MB" }, {}],
    [
      "an extension's parameter",
      { "pg_stat_statements.max": "10000", shared_preload_libraries: "pg_stat_statements" },
      {},
    ],
    ["what the server has anyway", { archive_mode: "no", archive_command: "", archive_timeout: "0s" }, {}],
    ["logical", { wal_level: "logical" }, {}],
    ["no senders for a single pod", { max_wal_senders: "0", max_replication_slots: "0" }, { replicas: 1 }],
    ["a capital choice", { log_statement: "DDL" }, {}],
  ];
  for (const [what, parameters, size] of accepted) {
    it(`accepts ${what}`, () => {
      expect(told(parameters, size)).to.deep.equal([]);
    });
  }

  it("gives advice that works when it is followed", () => {
    const [memory] = checkParameters({ shared_buffers: "256MB", max_connections: "100" }, small);
    expect(memory?.fix).to.equal(
      "Set shared_buffers to 128MB or less, or set max_connections to 56 or less, or raise resources.limits.memory to 704Mi.",
    );
    expect(told({ shared_buffers: "128MB", max_connections: "100" })).to.deep.equal([]);
    expect(told({ shared_buffers: "256MB", max_connections: "56" })).to.deep.equal([]);
    expect(
      told({ shared_buffers: "256MB", max_connections: "100" }, { memoryLimitBytes: 704 * 2 ** 20 }),
    ).to.deep.equal([]);
    expect(told({ shared_buffers: "256MB", max_connections: "57" })).to.have.length(1);
    expect(told({ max_wal_size: "9GB" }, { storageBytes: 15 * gibi })).to.deep.equal([]);
    expect(told({ max_wal_size: "6GB" })).to.deep.equal([]);
  });

  it("reports all problems together, and each says what, why and what to do", () => {
    const problems = checkParameters({ fsync: "off", work_memm: "1", port: "1", max_connections: "x" }, small);
    expect(problems.map(({ setting }) => setting)).to.deep.equal([
      "parameters.fsync",
      "parameters.work_memm",
      "parameters.port",
      "parameters.max_connections",
    ]);
    expect(formatProblems(problems)).to.match(/^4 settings cannot work:\n\n {2}1\. parameters\.fsync: "off"\n/);
    expect(formatProblems(problems.slice(0, 1))).to.match(/^1 setting cannot work:/);
  });

  it("says the three things for any parameter and any text, without throwing", () => {
    const names = fc.oneof(fc.constantFrom(...settingNames(18), ...rules.flatMap((rule) => rule.names)), fc.string());
    fc.assert(
      fc.property(names, fc.string(), fc.constantFrom(14, 16, 18, undefined, 99), (name, value, major) => {
        for (const { setting, why, fix } of checkParameters({ [name]: value }, { ...small, major })) {
          expect(setting).to.match(/^parameters\./);
          expect(why).to.match(/[.]$/);
          expect(fix).to.match(/[.?]$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("names every owned parameter once", () => {
    const names = rules.flatMap((rule) => rule.names);
    expect(new Set(names).size).to.equal(names.length);
    const known = new Set([14, 18].flatMap((major) => settingNames(major)));
    expect(names.filter((name) => !known.has(name))).to.deep.equal([]);
    for (const rule of rules) expect(rule.names).to.include.members(Object.keys(rule.allowed ?? {}));
  });
});
