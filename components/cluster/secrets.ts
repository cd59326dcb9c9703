import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { generatedKeys, passwordKey } from "../postgres/additions/files";
import { superuser } from "../postgres/names";
import type { ClusterSpec } from "../postgres/spec";
import type { Place } from "./place";

/** A generated password, and the key of the Secret that has it. */
interface Password {
  key: string;
  password: random.RandomPassword;
}

/** The generated passwords: of the app's role, of the replicas', and by name of all others that may log in. */
export interface Passwords {
  user: random.RandomPassword;
  replication: random.RandomPassword;
  others: Record<string, Password>;
}

export function createPasswords({ parent, childName }: Place, spec: ClusterSpec): Passwords {
  // Only `passwordGeneration` may ever renew a password: the data keeps the old one until the pods have the new.
  const password = (login: string): random.RandomPassword =>
    new random.RandomPassword(
      childName(`${login}-password`),
      { length: 32, special: false, keepers: { generation: `${spec.passwordGeneration}` } },
      { parent, ignoreChanges: ["length", "special"] },
    );
  const generated = Object.entries(generatedKeys(spec)).map(([name, key]): [string, Password] => [
    name,
    { key, password: password(name === superuser ? "superuser" : name) },
  ]);
  const added = spec.roles.map(({ name }): [string, Password] => [
    name,
    { key: passwordKey(name), password: password(`role-${name}`) },
  ]);
  return {
    user: password("user"),
    replication: password("replication"),
    others: Object.fromEntries([...generated, ...added]),
  };
}

/** The Secret that the pods mount. */
export function createSecret(
  { parent, childName }: Place,
  spec: ClusterSpec,
  { user, replication, others }: Passwords,
  dependsOn: pulumi.Resource[],
): core.Secret {
  const stringData = {
    POSTGRES_PASSWORD: user.result,
    REPLICATION_PASSWORD: replication.result,
    ...Object.fromEntries(Object.values(others).map(({ key, password }) => [key, password.result])),
  };
  const metadata = { name: spec.names.secret, namespace: spec.namespace, labels: spec.labels };
  return new core.Secret(childName("secret"), { metadata, type: "Opaque", stringData }, { parent, dependsOn });
}

/** The passwords of those who may log in, by the role's name. */
export function passwordsByRole(
  user: string,
  { user: ofUser, others }: Passwords,
): pulumi.Output<Record<string, string>> {
  const ofOthers = Object.entries(others).map(([name, { password }]) => [name, password.result]);
  return pulumi.all({ [user]: ofUser.result, ...Object.fromEntries(ofOthers) });
}
