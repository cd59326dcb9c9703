import { folders, type Manifest } from "./manifests";

/** Fills every placeholder with a new password on the way to kubectl: none is in a file or in a list of arguments. */
const fill =
  'awk \'/"PLACEHOLDER/ { c = "openssl rand -hex 24"; c | getline p; close(c); sub(/"PLACEHOLDER.*"/, "\\"" p "\\"") } 1\'';

/** How the manifests are applied: the README of their folder. */
export function guide(stack: string, manifests: readonly Manifest[]): string {
  const files = (kind: string): string[] => manifests.filter((one) => one.kind === kind).map(({ path }) => path);
  const rollouts = manifests
    .filter(({ kind }) => kind === "StatefulSet")
    .map(({ name, namespace }) => `    kubectl rollout status statefulset/${name} -n ${namespace} --timeout 30m`);
  return `# Stack ${stack} as plain Kubernetes manifests

What \`up\` of stack ${stack} sends to Kubernetes, without passwords. The next render overwrites these files: change the
stack's settings instead, and render again.

The first time, in this folder:

${[
  ...files("Namespace").map((path) => `    kubectl apply -f ${path}`),
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
- \`${folders.after}\`: says that the cluster has been ready once. Applied too early, ordinal 0 makes no database, since
  that may have been lost. Never applied, the loss of the primary's volume goes unnoticed, and an empty database takes
  its place.
- A GitOps tool has to be told: only the files of this folder itself, not of the two below it (a \`kustomization.yaml\` of
  yours that lists them), and no pruning of claims and namespace, or fewer replicas delete the data of those that go.
- What Pulumi does beyond that is up to you: it refuses changes that would lose data of the live cluster, protects what
  must not be deleted, deletes what is no longer in the plan, renews passwords.
`;
}
