import type * as pulumi from "@pulumi/pulumi";
import { aliasPrefix, ownKey } from "../postgres/key";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/**
 * The key that is made for the volumes, with an alias to find it by: its ARN. Undefined where none is asked for.
 *
 * AWS's provider is the one given to the component, else Pulumi's default one: region and credentials are those of the
 * stack's `aws:` configuration or of the environment.
 */
export function createKey({ parent, childName }: Place, spec: ClusterSpec): pulumi.Output<string> | undefined {
  if (!spec.encryption.createKey) return undefined;
  // Loaded here alone, and no more of it than this: other stacks have nothing to do with AWS.
  const { Key }: typeof import("@pulumi/aws/kms/key") = require("@pulumi/aws/kms/key");
  const { Alias }: typeof import("@pulumi/aws/kms/alias") = require("@pulumi/aws/kms/alias");
  // Without the key nobody reads the volumes: it lives as long as they do.
  const options = { parent, retainOnDelete: spec.keepVolumes, protect: spec.protect };
  const key = new Key(childName("key"), ownKey(spec), options);
  new Alias(childName("key-alias"), { namePrefix: aliasPrefix(spec), targetKeyId: key.keyId }, options);
  return key.arn;
}
