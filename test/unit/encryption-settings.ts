import type { PostgresClusterArgs } from "../../components/postgres/args";
import { asConfig } from "./plan";

/** A key of each cloud that has some. */
export const keys = {
  aws: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  gcp: "projects/my-project/locations/europe-west3/keyRings/postgres/cryptoKeys/volumes",
  azure:
    "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/My_Group.1/providers/Microsoft.Compute/diskEncryptionSets/set-1",
};
export const withKeys = ["aws", "gcp", "azure"] as const;
/** One that the program makes. */
export const own: PostgresClusterArgs = { cloud: "aws", namespace: "n", encryption: { createKey: true } };

export const config = (args: PostgresClusterArgs) =>
  asConfig(Object.fromEntries(Object.entries(args).map(([name, value]) => [`kubernetes-postgres:${name}`, value])));
