import { dirname } from "node:path";
import { namespaceMark } from "../../components/postgres/names";
import { type authoritiesOf, folders, type Manifest } from "./manifests";

/** Fills every placeholder with a new password on the way to kubectl: none is in a file or in a list of arguments. */
const fill =
  'awk \'/"PLACEHOLDER/ { c = "openssl rand -hex 24"; c | getline p; close(c); sub(/"PLACEHOLDER.*"/, "\\"" p "\\"") } 1\'';

const authorityWords = `- \`openssl\` makes the authority that the pods make their certificates from, once; \`ca.crt\` is what clients verify the
  servers by (\`sslrootcert\`). Made again, clients need the new one.
`;

/** Makes an authority as the component does, in a Secret; its key is in no file afterwards. */
function makeAuthority({ name, namespace }: Authority): string[] {
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key";
  const certificate = `-days 36500 -subj /CN=${namespace}-${name} -addext keyUsage=critical,keyCertSign -out ca.crt`;
  return [
    `    openssl req -x509 ${key} ${certificate}`,
    `    kubectl create secret generic ${name} -n ${namespace} --from-file=ca.crt --from-file=ca.key && rm ca.key`,
  ];
}

type Authority = ReturnType<typeof authoritiesOf>[number];

/** Makes the key of a cluster, and puts its ARN where the placeholder is. Where that failed, nothing is applied. */
function keyCommands(classes: readonly string[], cluster: string): string[] {
  if (classes.length === 0) return [];
  const create = `aws kms create-key --tags TagKey=${namespaceMark},TagValue=${cluster} --query KeyMetadata.Arn --output text`;
  return [
    `    key=$(${create})`,
    `    aws kms enable-key-rotation --key-id "\${key:?}"`,
    ...classes.map((path) => `    sed "s|- PLACEHOLDER.*|\${key:?}|" ${path} | kubectl apply -f -`),
  ];
}

const keyWords = `  The StorageClass is there, too: it needs the ARN of a key (\`encryption.createKey\`), which only AWS can tell. Kubernetes
  refuses its placeholder. The \`aws\` lines make the key, in the region of the nodes; with one that you have, \`key=<its ARN>\`
  takes their place. The EBS driver's role must be allowed to use it: docs/security.md, Encryption.
`;

/** How the manifests are applied: the README of their folder. */
export function guide(stack: string, manifests: readonly Manifest[], authorities: readonly Authority[]): string {
  const files = (kind: string): string[] => manifests.filter((one) => one.kind === kind).map(({ path }) => path);
  const sets = manifests.filter(({ kind }) => kind === "StatefulSet");
  const cluster = sets.map(({ name, namespace }) => `${namespace}/${name}`).join();
  const keyless = files("StorageClass").filter((path) => dirname(path) === folders.before);
  const rollouts = sets.map(
    ({ name, namespace }) => `    kubectl rollout status statefulset/${name} -n ${namespace} --timeout 30m`,
  );
  return `# Stack ${stack} as plain Kubernetes manifests

What \`up\` of stack ${stack} sends to Kubernetes, without passwords. The next render overwrites these files: change the
stack's settings instead, and render again.

The first time, in this folder:

${[
  ...files("Namespace").map((path) => `    kubectl apply -f ${path}`),
  ...authorities.flatMap(makeAuthority),
  ...keyCommands(keyless, cluster),
  ...files("Secret").map((path) => `    ${fill} ${path} | kubectl apply -f -`),
  "    kubectl apply -f .",
  ...rollouts,
  `    kubectl apply -f ${folders.after}`,
].join("\n")}

Later, after another render: \`kubectl apply -f .\`

- \`${folders.before}\`: the Secret, with placeholders. Never apply it as it is. The pods of a new cluster would not start,
  since they refuse such a password; those of a running one would lose theirs. The \`awk\` line puts generated passwords in
  their place, and only for a new cluster: it renews all of them each time. A role that is added later, by a setting or by
  a newer version, needs its key in the Secret, too; the log of ordinal 0 names it.
${keyless.length > 0 ? keyWords : ""}${authorities.length > 0 ? authorityWords : ""}- \`${folders.after}\`: says that the cluster has been ready once. Applied too early, ordinal 0 makes no database, since
  that may have been lost. Never applied, the loss of the primary's volume goes unnoticed, and an empty database takes
  its place.
- A GitOps tool has to be told: only the files of this folder itself, not of the two below it (a \`kustomization.yaml\` of
  yours that lists them), and no pruning of claims and namespace, or fewer replicas delete the data of those that go.
- What Pulumi does beyond that is up to you: it refuses changes that would lose data of the live cluster, protects what
  must not be deleted, deletes what is no longer in the plan, renews passwords.
`;
}
