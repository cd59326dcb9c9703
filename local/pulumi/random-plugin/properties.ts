import type { PasswordRules } from "./password";

/** Properties as they cross the wire: plain JSON values, secrets wrapped. */
export type Properties = Record<string, unknown>;

// The engine's signs for a wrapped secret and for a value that is not known yet
// (https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go and .../resource/plugin/rpc.go).
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownSign = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Marks a value as a secret: encrypted in the state, never shown. */
export const secret = (value: unknown): Properties => ({ [signature]: secretSignature, value });

const isRecord = (value: unknown): value is Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value without the wrapping of a secret. */
export function unwrapped(value: unknown): unknown {
  return isRecord(value) && value[signature] === secretSignature ? value.value : value;
}

/** Whether a value, or anything in it, is not known before the update. */
export function isUnknown(value: unknown): boolean {
  const plain = unwrapped(value);
  if (plain === unknownSign) return true;
  return isRecord(plain) && Object.values(plain).some(isUnknown);
}

const flag = (value: unknown, otherwise: boolean): boolean => (typeof value === "boolean" ? value : otherwise);
const count = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

/** Inputs, or the state of either provider, with defaults filled in. `number` is the deprecated name of `numeric`. */
export function rulesOf(wrapped: Properties): PasswordRules {
  const given: Properties = Object.fromEntries(Object.entries(wrapped).map(([key, value]) => [key, unwrapped(value)]));
  const { overrideSpecial, keepers } = given;
  return {
    length: count(given.length, Number.NaN),
    lower: flag(given.lower, true),
    upper: flag(given.upper, true),
    numeric: flag(given.numeric, flag(given.number, true)),
    special: flag(given.special, true),
    minLower: count(given.minLower, 0),
    minUpper: count(given.minUpper, 0),
    minNumeric: count(given.minNumeric, 0),
    minSpecial: count(given.minSpecial, 0),
    // The official provider treats an empty text and an empty map as not given.
    overrideSpecial: typeof overrideSpecial === "string" && overrideSpecial !== "" ? overrideSpecial : undefined,
    keepers: isRecord(keepers) && Object.keys(keepers).length > 0 ? keepers : undefined,
  };
}

/** The outputs that are stored, in the official provider's form. */
export function stateOf(rules: PasswordRules, result: string, bcryptHash: string): Properties {
  const { overrideSpecial, keepers, ...always } = rules;
  return {
    ...always,
    number: rules.numeric,
    ...(overrideSpecial !== undefined && { overrideSpecial }),
    ...(keepers !== undefined && { keepers }),
    result: secret(result),
    bcryptHash: secret(bcryptHash),
    // The official provider's version of this layout; without it, it would convert from the oldest one.
    __meta: '{"schema_version":"3"}',
  };
}

/** Names of the rules in which two sets differ; each of them means a new password. */
export function changedRules(before: PasswordRules, after: PasswordRules): string[] {
  const sorted = (value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value)
            .map(([key, entry]) => [key, `${unwrapped(entry)}`])
            .sort(),
        )
      : value;
  const text = (value: unknown): string => JSON.stringify(sorted(value)) ?? "";
  const asText = (rules: PasswordRules): Map<string, string> =>
    new Map(Object.entries(rules).map(([name, value]) => [name, text(value)]));
  const old = asText(before);
  return [...asText(after)].filter(([name, value]) => old.get(name) !== value).map(([name]) => name);
}
