import { type Blowfish, blowfish, encrypt } from "./blowfish";

const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** bcrypt's own base 64: another alphabet, no padding. */
function encode(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const group = [0, 1, 2].reduce((sum, offset) => (sum << 8) | (bytes[index + offset] ?? 0), 0);
    const letters = Math.min(4, Math.ceil(((bytes.length - index) * 8) / 6));
    for (let letter = 0; letter < letters; letter += 1) text += alphabet[(group >>> (18 - 6 * letter)) & 63];
  }
  return text;
}

/** Endless 32-bit words of a key, read round and round. */
function words(key: Uint8Array): () => number {
  let position = 0;
  return () => {
    let word = 0;
    for (let byte = 0; byte < 4; byte += 1) {
      word = (word << 8) | (key[position % key.length] ?? 0);
      position += 1;
    }
    return word;
  };
}

function expandKey(state: Blowfish, key: Uint8Array, salt?: Uint8Array): void {
  const nextKey = words(key);
  for (let index = 0; index < state.p.length; index += 1) state.p[index] = (state.p[index] ?? 0) ^ nextKey();
  const nextSalt = salt && words(salt);
  const block = new Uint32Array(2);
  for (const table of [state.p, state.s]) {
    for (let index = 0; index < table.length; index += 2) {
      if (nextSalt) {
        block[0] = (block[0] ?? 0) ^ nextSalt();
        block[1] = (block[1] ?? 0) ^ nextSalt();
      }
      encrypt(state, block);
      table.set(block, index);
    }
  }
}

/**
 * The bcrypt hash of a password (N. Provos, D. Mazières, "A Future-Adaptable Password Scheme", 1999), form `$2a$`.
 * Only the first 72 bytes of the password count.
 * @param salt 16 random bytes.
 * @param cost the key is mixed in `2^cost` times; 10 is what the official random provider uses.
 */
export function bcrypt(password: string, salt: Uint8Array, cost = 10): string {
  const key = Uint8Array.from([...Buffer.from(password, "utf8"), 0]).slice(0, 72);
  const state = blowfish();
  expandKey(state, key, salt);
  for (let round = 0; round < 2 ** cost; round += 1) {
    expandKey(state, key);
    expandKey(state, salt);
  }
  const hash = Buffer.alloc(24);
  const text = Buffer.from("OrpheanBeholderScryDoubt");
  for (let index = 0; index < 24; index += 8) {
    const block = Uint32Array.of(text.readUInt32BE(index), text.readUInt32BE(index + 4));
    for (let round = 0; round < 64; round += 1) encrypt(state, block);
    hash.writeUInt32BE(block[0] ?? 0, index);
    hash.writeUInt32BE(block[1] ?? 0, index + 4);
  }
  return `$2a$${`${cost}`.padStart(2, "0")}$${encode(salt)}${encode(hash.subarray(0, 23))}`;
}
