/**
 * Blowfish's state and its encryption of two 32-bit words (B. Schneier, "Description of a New Variable-Length Key,
 * 64-Bit Block Cipher", 1993). Its tables are the first binary digits of pi after the point; they are computed here, in
 * some milliseconds, rather than listed.
 */
export interface Blowfish {
  /** 18 round keys. */
  readonly p: Uint32Array;
  /** Four boxes of 256 words, one after the other. */
  readonly s: Uint32Array;
}

const roundKeys = 18;
const boxWords = 4 * 256;

/** 2^bits * arctan(1 / x), by its series. */
function arctanOfInverse(x: bigint, bits: bigint): bigint {
  let power = (1n << bits) / x;
  let sum = power;
  for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / n;
  }
  return sum;
}

/** The words of pi's fraction, by Machin's formula. */
function digitsOfPi(words: number): Uint32Array {
  const guard = 64n;
  const bits = BigInt(words) * 32n + guard;
  const pi = 4n * (4n * arctanOfInverse(5n, bits) - arctanOfInverse(239n, bits));
  const fraction = (pi - (3n << bits)) >> guard;
  const hex = fraction.toString(16).padStart(words * 8, "0");
  return Uint32Array.from({ length: words }, (_, word) => Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16));
}

let pi: Uint32Array | undefined;

/** A fresh state, before any key. */
export function blowfish(): Blowfish {
  pi ??= digitsOfPi(roundKeys + boxWords);
  return { p: pi.slice(0, roundKeys), s: pi.slice(roundKeys) };
}

/** Encrypts the two words at the start of `block` in place. */
export function encrypt({ p, s }: Blowfish, block: Uint32Array): void {
  const at = (table: Uint32Array, index: number): number => table[index] ?? 0;
  let left = at(block, 0) ^ at(p, 0);
  let right = at(block, 1);
  for (let round = 1; round <= 16; round += 1) {
    const sum = (at(s, left >>> 24) + at(s, 256 + ((left >>> 16) & 255))) | 0;
    const mixed = ((sum ^ at(s, 512 + ((left >>> 8) & 255))) + at(s, 768 + (left & 255))) | 0;
    const next = right ^ mixed ^ at(p, round);
    right = left;
    left = next;
  }
  block[0] = right ^ at(p, 17);
  block[1] = left;
}
