/**
 * Kubernetes quantities, read exactly: `10Gi`, `1.5Gi`, `1G`, `1e3`, `500m`. A wrong one is a result to report, not an exception.
 * Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export type QuantityReading =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly reason: string };

const binaryUnits = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalUnits = ["k", "M", "G", "T", "P", "E"];

/** `[1] sign, [2] whole digits, [3] fraction digits, [4] suffix`. At least one digit is checked apart. */
const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([A-Za-z]*|[eE][+-]?[0-9]+)$/;

/** More digits than this is a slip, and would only make the arithmetic long. */
const longestQuantity = 40;

/** An exact fraction; whole numbers of any size, because `1.1Gi` has no exact floating-point value. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Memory or storage, in bytes; a fraction of a byte is rounded up, as Kubernetes does. */
export function parseBytes(text: string): QuantityReading {
  if (/^[+-]?[0-9.]+[mun]$/.test(text)) {
    const number = text.slice(0, -1);
    return no(`${JSON.stringify(text)} is a fraction of a byte: did you mean ${number}Mi?`);
  }
  return parseIn(text, 1n, "10Gi or 512Mi");
}

/** CPU, in thousandths of a core: `500m` is 500, `2` is 2000; finer than a thousandth is rounded up, as Kubernetes does. */
export function parseMillicores(text: string): QuantityReading {
  return parseIn(text, 1000n, "500m or 2");
}

/**
 * What was probably meant by a size without a unit (`10` is ten bytes: did you mean `10Gi`?); undefined where the text has a unit,
 * is no number, or is large enough to be a true number of bytes (from 1 MiB).
 */
export function missingUnit(text: string): string | undefined {
  const reading = /^\+?[0-9.]+$/.test(text) ? parseBytes(text) : no("");
  return reading.ok && reading.value < 1024 ** 2 ? `${text.replace("+", "")}Gi` : undefined;
}

/** Bytes as a person reads them: the largest binary unit, at most one decimal (`512Mi`, `1.5Gi`, `800`). */
export function formatBytes(bytes: number): string {
  const power = Math.min(binaryUnits.length, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const unit = power === 0 ? "" : binaryUnits[power - 1];
  return `${Number((bytes / 1024 ** power).toFixed(1))}${unit}`;
}

function parseIn(text: string, perUnit: bigint, example: string): QuantityReading {
  const fraction = text.length > longestQuantity ? undefined : parseFraction(text);
  if (fraction === undefined) {
    return no(
      `${JSON.stringify(text)} is not a Kubernetes quantity: write a number and a unit, for example ${example}`,
    );
  }
  if (fraction.numerator <= 0n) {
    return no(`${JSON.stringify(text)} is not more than zero`);
  }
  const { numerator, denominator } = fraction;
  const value = (numerator * perUnit + denominator - 1n) / denominator;
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    return no(`${JSON.stringify(text)} is larger than this program counts (8Pi)`);
  }
  return { ok: true, value: Number(value) };
}

function parseFraction(text: string): Fraction | undefined {
  const [, sign, whole = "", decimals = "", suffix = ""] = shape.exec(text) ?? [];
  const scale = scaleOf(suffix);
  if (sign === undefined || whole + decimals === "" || scale === undefined) {
    return undefined;
  }
  const digits = BigInt(whole + decimals) * (sign === "-" ? -1n : 1n);
  return { numerator: digits * scale.numerator, denominator: 10n ** BigInt(decimals.length) * scale.denominator };
}

function scaleOf(suffix: string): Fraction | undefined {
  const thousandths = ["n", "u", "m", ""].indexOf(suffix);
  if (thousandths >= 0) {
    return { numerator: 1n, denominator: 1000n ** BigInt(3 - thousandths) };
  }
  if (decimalUnits.includes(suffix)) {
    return { numerator: 1000n ** BigInt(decimalUnits.indexOf(suffix) + 1), denominator: 1n };
  }
  if (binaryUnits.includes(suffix)) {
    return { numerator: 1024n ** BigInt(binaryUnits.indexOf(suffix) + 1), denominator: 1n };
  }
  const exponent = /^[eE]([+-]?[0-9]{1,2})$/.exec(suffix)?.[1];
  if (exponent === undefined) {
    return undefined;
  }
  const power = 10n ** BigInt(Math.abs(Number(exponent)));
  return Number(exponent) < 0 ? { numerator: 1n, denominator: power } : { numerator: power, denominator: 1n };
}

function no(reason: string): QuantityReading {
  return { ok: false, reason };
}
