import { type Cloud, type CompleteArgs, clouds } from "./args";
import { type Problem, when } from "./problem";

/** The keys of a cloud, as its driver takes them. */
interface Keys {
  form: RegExp;
  /** What one is, in words. */
  is: string;
  example: string;
  /** How one is made where the program makes none; undefined where it does. */
  byHand?: string;
}

const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/**
 * EC2 takes the ARN of a key and that of an alias, and the EBS driver hands it on as it is
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html).
 */
const aws: Keys = {
  form: new RegExp(
    `^arn:aws(-[a-z]+)*:kms:[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:` +
      `(key/(${uuid}|mrk-[0-9a-f]{32})|alias/[A-Za-z0-9/_-]{1,250})$`,
  ),
  is: "the ARN of a KMS key or of its alias",
  example: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
};

/** https://cloud.google.com/kubernetes-engine/docs/how-to/using-cmek */
const gcp: Keys = {
  form: new RegExp(
    "^projects/([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{4,28}[a-z0-9]/locations/[a-z0-9-]+/" +
      "keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$",
  ),
  is: "the name of a key in Cloud KMS, without a version",
  example: "projects/my-project/locations/europe-west3/keyRings/postgres/cryptoKeys/volumes",
  byHand:
    "Make one with gcloud kms keys create, let Compute Engine use it, and set encryption.keyId to its name: docs/security.md has the commands.",
};

/** Azure's ids are the same in any case of letters. */
const azure: Keys = {
  form: new RegExp(
    `^/subscriptions/${uuid}/resourceGroups/[\\p{L}\\p{N}_.()-]{0,89}[\\p{L}\\p{N}_()-]/` +
      "providers/Microsoft[.]Compute/diskEncryptionSets/[a-z0-9_-]{1,80}$",
    "iu",
  ),
  is: "the resource id of a disk encryption set",
  example: `/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/diskEncryptionSets/<set>`,
  byHand:
    "Make a key in a key vault and with it a set (az disk-encryption-set create), and set encryption.keyId to the set's id: docs/security.md has the commands.",
};

/** By cloud; on-premise nobody makes the volumes. */
const keysOf: Record<Cloud, Keys | undefined> = { aws, gcp, azure, "on-premise": undefined };

/** What cannot work about the key of the volumes. */
export function encryptionProblems({ cloud, storageClassName, encryption }: CompleteArgs): Problem[] {
  const { createKey, keyId } = encryption;
  const asked = [...(createKey ? ["createKey: true"] : []), ...(keyId === undefined ? [] : [`keyId: ${keyId}`])];
  if (asked.length === 0) return [];
  const all = (why: string, fix: string): Problem => ({ setting: "encryption", asked: asked.join(", "), why, fix });
  if (storageClassName !== undefined) {
    const why = `The class of the volumes decides which key they have, and ${storageClassName} is made by others.`;
    return [all(why, "Leave encryption out and name the key in that class, or leave storageClassName out.")];
  }
  const keys = keysOf[cloud];
  if (keys === undefined) {
    const why = `Volumes ${cloud} are made by hand: there is no driver that could encrypt them.`;
    return [
      all(why, "Leave encryption out, and encrypt the disks that they are on: with LUKS, or by the storage itself."),
    ];
  }
  return [...whichKey(cloud, keys, encryption, all), ...keyIdProblems(cloud, keys, keyId)];
}

function whichKey(
  cloud: Cloud,
  { byHand }: Keys,
  { createKey, keyId }: CompleteArgs["encryption"],
  all: (why: string, fix: string) => Problem,
): Problem[] {
  if (!createKey) return [];
  if (byHand !== undefined) {
    const fix = keyId === undefined ? byHand : "Leave it out: keyId names a key.";
    return [{ setting: "encryption.createKey", asked: "true", why: `On ${cloud} the program makes no keys.`, fix }];
  }
  return when(
    keyId !== undefined,
    all("The volumes have one key: a new one, or one that exists.", "Leave one of the two out."),
  );
}

function keyIdProblems(cloud: Cloud, { form, is, example }: Keys, keyId: string | undefined): Problem[] {
  if (keyId === undefined || form.test(keyId)) return [];
  const other = clouds.find((one) => keysOf[one]?.form.test(keyId));
  const why = `On ${cloud} it is ${is}${other === undefined ? "" : `, and this is a key of ${other}`}.`;
  return [{ setting: "encryption.keyId", asked: keyId, why, fix: `Write it like ${example}.` }];
}
