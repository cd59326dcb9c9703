import { expect } from "chai";
import * as fc from "fast-check";
import { memoryNeed, walNeed } from "../../../components/postgres/parameters/budget";
import { knownMajors } from "../../../components/postgres/parameters/catalog";
import { checkParameters, findingOf } from "../../../components/postgres/parameters/check";
import { effectiveNumber } from "../../../components/postgres/parameters/effective";
import {
  type ServerSize,
  serverParameters,
  shmSizeBytes,
  smallestMemoryBytes,
  smallestStorageBytes,
} from "../../../components/postgres/parameters/sizing";

const mebi = 2 ** 20;
const gibi = 2 ** 30;

const memory = fc.oneof(
  fc.integer({ min: smallestMemoryBytes, max: 8 * gibi }),
  fc.integer({ min: smallestMemoryBytes, max: 1024 * gibi }),
);
const storage = fc.oneof(
  fc.integer({ min: smallestStorageBytes, max: 100 * gibi }),
  fc.integer({ min: smallestStorageBytes, max: 2 ** 46 }),
);
const major = fc.constantFrom(...knownMajors, undefined);
const sizes: fc.Arbitrary<ServerSize> = fc.record({
  memoryLimitBytes: memory,
  storageBytes: storage,
  replicas: fc.integer({ min: 1, max: 60 }),
  cpuMillicores: fc.integer({ min: 10, max: 128_000 }),
  workload: fc.constantFrom("development", "production", "high-performance"),
  major,
});

describe("settings computed from a pod's size", () => {
  it("are the documented ones for the two standard sizes", () => {
    const development = serverParameters({
      memoryLimitBytes: 512 * mebi,
      cpuMillicores: 500,
      storageBytes: 10 * gibi,
      replicas: 3,
      workload: "development",
      major: 16,
    });
    expect(development).to.include({
      shared_buffers: "128MB",
      effective_cache_size: "384MB",
      max_connections: "42",
      work_mem: "1664kB",
      maintenance_work_mem: "32MB",
      autovacuum_work_mem: "16MB",
      max_wal_size: "1GB",
      min_wal_size: "256MB",
      max_slot_wal_keep_size: "2GB",
      wal_keep_size: "512MB",
      max_wal_senders: "20",
      max_parallel_workers_per_gather: "0",
      wal_compression: "lz4",
      wal_level: "replica",
      hot_standby: "on",
      listen_addresses: "*",
    });
    const production = serverParameters({
      memoryLimitBytes: 2 * gibi,
      cpuMillicores: 4000,
      storageBytes: 100 * gibi,
      replicas: 3,
      major: 14,
    });
    expect(production).to.include({
      shared_buffers: "512MB",
      max_connections: "170",
      max_wal_size: "4GB",
      max_parallel_workers_per_gather: "2",
      wal_compression: "on",
    });
  });

  it("are all accepted by the major they are for, or by all where it is unknown", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const majors = size.major === undefined ? knownMajors : [size.major];
        for (const [name, value] of Object.entries(serverParameters(size))) {
          // The component's own, which a user may not set.
          if (name === "unix_socket_directories") continue;
          for (const judged of majors)
            expect(findingOf(name, value, judged), `${judged} ${name} = ${value}`).to.equal(undefined);
        }
        expect(checkParameters({}, size)).to.deep.equal([]);
      }),
    );
  });

  it("stay accepted when a user writes the computed ones down", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const { unix_socket_directories: _, ...written } = serverParameters(size);
        expect(checkParameters(written, size)).to.deep.equal([]);
      }),
    );
  });

  it("never need more memory than the limit, and from 512Mi on leave room for a full /dev/shm", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const need = memoryNeed(serverParameters(size), size.major);
        expect(need).to.be.at.most(size.memoryLimitBytes);
        if (size.memoryLimitBytes >= 512 * mebi) {
          expect(need + shmSizeBytes(size.memoryLimitBytes)).to.be.at.most(size.memoryLimitBytes);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("keep WAL within half of the volume", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        expect(walNeed(serverParameters(size), size.major)).to.be.at.most(size.storageBytes / 2);
      }),
    );
  });

  it("grow with the memory and the volume", () => {
    const names = [
      "shared_buffers",
      "effective_cache_size",
      "maintenance_work_mem",
      "autovacuum_work_mem",
      "max_connections",
      "work_mem",
    ];
    const volumes = ["max_wal_size", "min_wal_size", "max_slot_wal_keep_size", "wal_keep_size"];
    fc.assert(
      fc.property(sizes, memory, storage, (size, memoryLimitBytes, storageBytes) => {
        const more = {
          ...size,
          memoryLimitBytes: Math.max(size.memoryLimitBytes, memoryLimitBytes),
          storageBytes: Math.max(size.storageBytes, storageBytes),
        };
        const [before, after] = [serverParameters(size), serverParameters(more)];
        for (const name of [...names, ...volumes]) {
          expect(effectiveNumber(name, after, size.major), name).to.be.at.least(
            effectiveNumber(name, before, size.major),
          );
        }
      }),
    );
  });

  it("do not change with the number of replicas up to ten, so that scaling restarts nothing", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10 }), (size, a, b) => {
        expect(serverParameters({ ...size, replicas: a })).to.deep.equal(serverParameters({ ...size, replicas: b }));
      }),
    );
  });

  it("give way to the user's, in any spelling, and what follows from them follows", () => {
    const size: ServerSize = { memoryLimitBytes: gibi, storageBytes: 10 * gibi, replicas: 3 };
    const own = serverParameters({
      ...size,
      parameters: { MAX_CONNECTIONS: "30", timezone: "UTC", "my.setting": "x" },
    });
    expect(own).to.include({ max_connections: "30", TimeZone: "UTC", "my.setting": "x" });
    expect(own).not.to.have.any.keys("MAX_CONNECTIONS", "timezone");
    const work = (parameters: Record<string, string>) =>
      effectiveNumber("work_mem", serverParameters({ ...size, parameters }), 16);
    expect(work({ max_connections: "200" })).to.be.lessThan(work({ max_connections: "30" }));
    expect(work({ shared_buffers: "512MB" })).to.be.lessThan(work({}));
  });

  it("make /dev/shm a quarter of the memory in whole MiB, at most 1Gi", () => {
    expect([512 * mebi, 2 * gibi, 64 * gibi, 500_000_000].map(shmSizeBytes)).to.deep.equal([
      128 * mebi,
      512 * mebi,
      gibi,
      119 * mebi,
    ]);
  });
});
