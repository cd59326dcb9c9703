import type { Endpoint } from "./endpoints";
import { postgresPort, serviceHost } from "./names";
import type { ClusterSpec } from "./spec";

/** The stack's README: what was made and how to connect. Holds no secret. */
export function readme(spec: ClusterSpec, endpoints: Endpoint[]): string {
  const { names, namespace, user, database } = spec;
  const rows = endpoints.map(({ pod, role, host, port }) => `| ${pod} | ${role} | \`${host}:${port}\` |`);
  return `# PostgreSQL \`${names.statefulSet}\` in namespace \`${namespace}\`

${spec.replicas} × \`${spec.image}\`, ${spec.storageSize} each of StorageClass \`${spec.storageClassName}\`,
at most ${spec.resources.limits.cpu} CPU and ${spec.resources.limits.memory} memory a pod.

| pod | role | endpoint |
| --- | --- | --- |
${rows.join("\n")}

Writes go to \`${serviceHost(names.primaryService, namespace)}:${postgresPort}\`, which always leads to the primary.

Open psql on the primary:

    kubectl exec -it -n ${namespace} ${names.statefulSet}-0 -- psql -U ${user} -d ${database}

Connect from a pod, with the password of Secret \`${names.secret}\`, or from a shell with the secret output:

    psql "$(pulumi stack output connectionUri --show-secrets)"

\`readOnlyUri\` names all pods and prefers a replica.
`;
}
