import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { passwordKey } from "../postgres/additions/files";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/** The generated passwords: of the app's role, of the replicas', and by name of those that `roles` adds. */
export interface Passwords {
  user: random.RandomPassword;
  replication: random.RandomPassword;
  roles: Record<string, random.RandomPassword>;
}

export function createPasswords({ parent, childName }: Place, spec: ClusterSpec): Passwords {
  // Only `passwordGeneration` may ever renew a password: the data keeps the old one until the pods have the new.
  const password = (login: string): random.RandomPassword =>
    new random.RandomPassword(
      childName(`${login}-password`),
      { length: 32, special: false, keepers: { generation: `${spec.passwordGeneration}` } },
      { parent, ignoreChanges: ["length", "special"] },
    );
  const roles = spec.roles.map(({ name }): [string, random.RandomPassword] => [name, password(`role-${name}`)]);
  return { user: password("user"), replication: password("replication"), roles: Object.fromEntries(roles) };
}

/** The Secret that the pods mount. */
export function createSecret(
  { parent, childName }: Place,
  spec: ClusterSpec,
  { user, replication, roles }: Passwords,
  dependsOn: pulumi.Resource[],
): core.Secret {
  const ofRoles = Object.entries(roles).map(([name, { result }]) => [passwordKey(name), result]);
  const stringData = {
    POSTGRES_PASSWORD: user.result,
    REPLICATION_PASSWORD: replication.result,
    ...Object.fromEntries(ofRoles),
  };
  const metadata = { name: spec.names.secret, namespace: spec.namespace, labels: spec.labels };
  return new core.Secret(childName("secret"), { metadata, type: "Opaque", stringData }, { parent, dependsOn });
}

/** The passwords of those who may log in, by the role's name. */
export function passwordsByRole(
  user: string,
  { user: ofUser, roles }: Passwords,
): pulumi.Output<Record<string, string>> {
  const ofRoles = Object.entries(roles).map(([name, { result }]) => [name, result]);
  return pulumi.all({ [user]: ofUser.result, ...Object.fromEntries(ofRoles) });
}
