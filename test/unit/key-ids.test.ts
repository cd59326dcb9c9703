import { expect } from "chai";
import fc from "fast-check";
import { type Cloud, withDefaults } from "../../components/postgres/args";
import { encryptionProblems } from "../../components/postgres/encryption";

const withKeys = ["aws", "gcp", "azure"] as const;

describe("a key's id", () => {
  const letters = (alphabet: string, minLength: number, maxLength = minLength) =>
    fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
  const hex = "0123456789abcdef";
  const digits = "0123456789";
  const word = "abcxyzABCXYZ0189_-";
  const uuid = fc.tuple(...[8, 4, 4, 4, 12].map((length) => letters(hex, length))).map((parts) => parts.join("-"));

  const arn = fc
    .tuple(
      fc.constantFrom("aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"),
      fc.constantFrom("us-east-1", "ap-southeast-5", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eusc-de-east-1"),
      letters(digits, 12),
      fc.oneof(
        uuid.map((id) => `key/${id}`),
        letters(hex, 32).map((id) => `key/mrk-${id}`),
        letters(`${word}/`, 1, 250).map((name) => `alias/${name}`),
      ),
    )
    .map(([partition, region, account, key]) => `arn:${partition}:kms:${region}:${account}:${key}`);
  const cloudKms = fc
    .tuple(
      fc.oneof(letters(digits, 12), fc.constantFrom("my-project", "example.com:my-project", "a12345")),
      fc.constantFrom("global", "europe", "europe-west3", "us-central1"),
      letters(word, 1, 63),
      letters(word, 1, 63),
    )
    .map(([project, place, ring, key]) => `projects/${project}/locations/${place}/keyRings/${ring}/cryptoKeys/${key}`);
  const diskEncryptionSet = fc
    .tuple(
      uuid,
      letters("abcXYZ019_.()-", 0, 89).map((start) => `${start}x`),
      letters(word, 1, 80),
      fc.constantFrom(
        (id: string) => id,
        (id: string) => id.toLowerCase(),
        (id: string) => id.toUpperCase(),
      ),
    )
    .map(([subscription, group, set, inCase]) =>
      inCase(
        `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/diskEncryptionSets/${set}`,
      ),
    );
  const valid = { aws: arn, gcp: cloudKms, azure: diskEncryptionSet };
  const problems = (cloud: Cloud, keyId: string): string[] =>
    encryptionProblems(withDefaults({ cloud, encryption: { keyId } })).map(({ setting }) => setting);

  /** What a slip of a hand makes of an id: none of it is one. */
  const slips: ((id: string, at: number) => string)[] = [
    (id) => ` ${id}`,
    (id) => `${id} `,
    (id) => `${id}\n`,
    (id) => `"${id}"`,
    (id) => `${id}/`,
    (id) => id.replace(/^.*?\//, ""),
    // One of its parts is missing, or empty.
    (id, at) =>
      partsOf(id)
        .flatMap((part, index, all) => (index === at % all.length ? [] : [part]))
        .join("/"),
    (id, at) =>
      partsOf(id)
        .map((part, index, all) => (index === at % all.length && part !== "" ? "" : part))
        .join("/"),
    (id, at) =>
      id
        .split(":")
        .flatMap((part, index, all) => (index === at % all.length ? [] : [part]))
        .join(":"),
    (id, at) => id.slice(0, at % id.lastIndexOf("/")),
    (id, at) => `${id.slice(0, at % id.length)}*${id.slice(at % id.length)}`,
  ];
  const partsOf = (id: string): string[] => id.split("/");

  for (const cloud of withKeys) {
    it(`of ${cloud} is accepted in every form that it has, and by no other cloud`, () => {
      fc.assert(
        fc.property(valid[cloud], (id) => {
          expect(problems(cloud, id), id).to.deep.equal([]);
          for (const other of withKeys.filter((one) => one !== cloud)) {
            expect(problems(other, id), `${id} on ${other}`).to.deep.equal(["encryption.keyId"]);
          }
        }),
      );
    });

    it(`of ${cloud} is refused with a slip in it`, () => {
      fc.assert(
        fc.property(valid[cloud], fc.constantFrom(...slips), fc.nat({ max: 500 }), (id, slip, position) => {
          const slipped = slip(id, position);
          fc.pre(slipped !== id && !isStillAlias(cloud, slipped));
          expect(problems(cloud, slipped), slipped).to.deep.equal(["encryption.keyId"]);
        }),
      );
    });
  }

  /** An alias may hold slashes: without one of them it is another alias. */
  const isStillAlias = (cloud: Cloud, id: string): boolean => cloud === "aws" && /:alias\/[\w/-]+$/.test(id);
});
