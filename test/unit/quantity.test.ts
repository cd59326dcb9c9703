import { expect } from "chai";
import * as fc from "fast-check";
import { formatBytes, missingUnit, parseBytes, parseMillicores } from "../../components/postgres/quantity";

const units: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

describe("Kubernetes quantities", () => {
  const bytes: [string, number][] = [
    ["10Gi", 10 * 2 ** 30],
    ["512Mi", 512 * 2 ** 20],
    ["1G", 1e9],
    ["1.5Gi", 1.5 * 2 ** 30],
    [".5Gi", 2 ** 29],
    ["5.Gi", 5 * 2 ** 30],
    ["1e3", 1000],
    ["1E3", 1000],
    ["1.5e9", 1.5e9],
    ["+128974848", 128974848],
    ["0.3Gi", 322122548],
    ["10", 10],
    ["1E", 1e18],
  ];
  for (const [text, value] of bytes) {
    it(`reads ${text} as ${value} bytes`, () => {
      const reading = parseBytes(text);
      if (value > Number.MAX_SAFE_INTEGER) expect(reading.ok).to.equal(false);
      else expect(reading).to.deep.equal({ ok: true, value });
    });
  }

  for (const text of [
    "",
    "Gi",
    "10GB",
    "10 Gi",
    "ten",
    "1e",
    "1e1.5",
    ".",
    "1..5",
    "10gi",
    "0",
    "-1Gi",
    "0x10",
    "9".repeat(50),
    "1e99",
    "NaN",
    "１Gi",
  ]) {
    it(`refuses ${JSON.stringify(text)} and repeats it`, () => {
      const reading = parseBytes(text);
      expect(reading.ok).to.equal(false);
      if (!reading.ok) expect(reading.reason).to.contain(JSON.stringify(text));
    });
  }

  it("takes the m of CPU for a slip in a size", () => {
    const reading = parseBytes("512m");
    expect(reading.ok ? "" : reading.reason).to.contain("did you mean 512Mi?");
  });

  for (const [text, value] of [
    ["500m", 500],
    ["2", 2000],
    ["0.1", 100],
    ["1.5", 1500],
    ["100u", 1],
    ["1k", 1_000_000],
  ] as const) {
    it(`reads CPU ${text} as ${value} thousandths`, () => {
      expect(parseMillicores(text)).to.deep.equal({ ok: true, value });
    });
  }

  for (const [text, meant] of [
    ["10", "10Gi"],
    ["1.5", "1.5Gi"],
    ["10Gi", undefined],
    ["10737418240", undefined],
    ["1e3", undefined],
    ["0", undefined],
    ["x", undefined],
  ] as const) {
    it(`takes ${text} for ${meant ?? "what it says"}`, () => {
      expect(missingUnit(text)).to.equal(meant);
    });
  }

  it("reads every whole number with every unit exactly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.constantFrom(...Object.keys(units)), (count, unit) => {
        expect(parseBytes(`${count}${unit}`)).to.deep.equal({ ok: true, value: count * (units[unit] ?? 0) });
      }),
    );
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseBytes(text);
        parseMillicores(text);
        missingUnit(text);
      }),
    );
  });

  it("writes bytes so that reading them comes close", () => {
    expect([800, 2 ** 20, 1.5 * 2 ** 30, 512 * 2 ** 20, 0].map(formatBytes)).to.deep.equal([
      "800",
      "1Mi",
      "1.5Gi",
      "512Mi",
      "0",
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (value) => {
        const reading = parseBytes(formatBytes(value));
        expect(reading.ok && Math.abs(reading.value - value) / value).to.be.lessThan(0.06);
      }),
    );
  });
});
