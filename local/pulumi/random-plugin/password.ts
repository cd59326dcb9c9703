import { randomInt } from "node:crypto";

/** The inputs of a RandomPassword with the official provider's defaults filled in. */
export interface PasswordRules {
  /** Number of characters. */
  length: number;
  lower: boolean;
  upper: boolean;
  numeric: boolean;
  special: boolean;
  /** Least number of characters of each kind; default 0. */
  minLower: number;
  minUpper: number;
  minNumeric: number;
  minSpecial: number;
  /** The special characters to use instead of the default ones. */
  overrideSpecial: string | undefined;
  /** Anything: another value makes another password. */
  keepers: Record<string, unknown> | undefined;
}

const kinds = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
  special: "!@#$%&*()-_=+[]{}<>:?",
};

/** What a person would have to mend, or undefined. */
export function rulesProblem(rules: PasswordRules): { property: string; reason: string } | undefined {
  const least = rules.minLower + rules.minUpper + rules.minNumeric + rules.minSpecial;
  if (!Number.isInteger(rules.length) || rules.length < 1) {
    return { property: "length", reason: "length must be a whole number of at least 1" };
  }
  if (least > rules.length) {
    return { property: "length", reason: `length (${rules.length}) is less than the minimums together (${least})` };
  }
  if (alphabet(rules) === "") return { property: "special", reason: "every kind of character is switched off" };
  return undefined;
}

const specials = (rules: PasswordRules): string => rules.overrideSpecial || kinds.special;

function alphabet(rules: PasswordRules): string {
  return [
    rules.lower ? kinds.lower : "",
    rules.upper ? kinds.upper : "",
    rules.numeric ? kinds.numeric : "",
    rules.special ? specials(rules) : "",
  ].join("");
}

const pick = (characters: string, count: number): string[] =>
  Array.from({ length: count }, () => characters.charAt(randomInt(characters.length)));

/** A new password by these rules, from the operating system's random numbers. */
export function newPassword(rules: PasswordRules): string {
  const characters = [
    ...pick(kinds.lower, rules.minLower),
    ...pick(kinds.upper, rules.minUpper),
    ...pick(kinds.numeric, rules.minNumeric),
    ...pick(specials(rules), rules.minSpecial),
  ];
  characters.push(...pick(alphabet(rules), rules.length - characters.length));
  // Fisher-Yates, so that the required characters do not all come first.
  for (let last = characters.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [characters[last], characters[other]] = [characters[other] ?? "", characters[last] ?? ""];
  }
  return characters.join("");
}
