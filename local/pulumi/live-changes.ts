import type { Problem } from "../../components/postgres/problem";
import { parseBytes } from "../../components/postgres/quantity";
import type { ClusterSpec } from "../../components/postgres/spec";
import { at, listAt, parseJson, textAt } from "../tools/json";
import type { PlannedChange } from "./engine-events";
import type { PublicOutputs } from "./outputs";

/** What a deployment says of itself and what can never change in place. */
export type DeployedNames = Pick<PublicOutputs, "namespace" | "service" | "database" | "user">;

/** A claim that has its volume. */
export interface DeployedClaim {
  name: string;
  /** A Kubernetes quantity, for example "10Gi". */
  size: string;
}

const otherStack =
  "For a new cluster use a stack of its own: copy this stack's file to Pulumi.NAME.yaml, change it there, and run npm run up -- --stack NAME.";

/**
 * Settings that were right for a new cluster and are not for this one, because it exists already.
 * @param previous outputs of the last deployment; undefined where there is none.
 * @param claims the cluster's bound claims. They outlive `down`, and so do the limits they set.
 */
export function refusedChanges(
  previous: DeployedNames | undefined,
  spec: ClusterSpec,
  claims: readonly DeployedClaim[],
): Problem[] {
  return [...(previous === undefined ? [] : renamings(previous, spec)), ...resizing(spec, claims)];
}

function renamings(previous: DeployedNames, spec: ClusterSpec): Problem[] {
  const problems: Problem[] = [];
  const refuse = (setting: string, asked: string, before: string, why: string, fix: string): void => {
    if (asked !== before) problems.push({ setting, asked, why, fix: `Set it back to ${before}. ${fix}` });
  };
  const beside =
    "this would make a new, empty cluster beside the old one, whose pods would be deleted and whose data nobody would use.";
  const { namespace, names, name, database, user } = spec;
  const nameBefore = previous.service.replace(/-svc$/, "");
  refuse("namespace", namespace, previous.namespace, `The stack runs in ${previous.namespace}: ${beside}`, otherStack);
  if (previous.service !== names.headlessService)
    refuse("name", name, nameBefore, `The stack's cluster is ${nameBefore}: ${beside}`, otherStack);
  refuse(
    "database",
    database,
    previous.database,
    `The data was made with database ${previous.database}; the outputs would name a database that does not exist.`,
    `The setting databases makes a further one. ${otherStack}`,
  );
  refuse(
    "user",
    user,
    previous.user,
    `The data was made with role ${previous.user}; the outputs would name a role that does not exist.`,
    `The setting roles makes a further one. ${otherStack}`,
  );
  return problems;
}

function resizing({ storageSize, namespace }: ClusterSpec, claims: readonly DeployedClaim[]): Problem[] {
  const wanted = parseBytes(storageSize);
  const other = claims.filter(({ size }) => {
    const has = parseBytes(size);
    return wanted.ok && has.ok && has.value !== wanted.value;
  });
  const [first] = other;
  if (first === undefined) return [];
  const sizes = [...new Set(other.map(({ size }) => size))];
  const which = other.map(({ name, size }) => (sizes.length > 1 ? `${name} (${size})` : name)).join(", ");
  const back = sizes.length > 1 ? "the size the claims have" : first.size;
  return [
    {
      setting: "storageSize",
      asked: storageSize,
      why:
        `In namespace ${namespace} the cluster's data lies on ${which}, made with ${sizes.join(" and ")}. ` +
        `Volumes keep their size, while the WAL settings would follow ${storageSize}.`,
      fix:
        `Set it back to ${back}. Where the data is not needed, npm run down -- --stack STACK --volumes deletes it, and ` +
        `any size can be chosen. ${otherStack}`,
    },
  ];
}

/** The names in a checkpoint file's text; undefined where it holds no complete deployment. */
export function namesInCheckpoint(checkpoint: string): DeployedNames | undefined {
  let resources: unknown[];
  try {
    resources = listAt(parseJson(checkpoint), "checkpoint", "latest", "resources");
  } catch {
    return undefined;
  }
  const outputs = at(
    resources.find((resource) => textAt(resource, "type") === "pulumi:pulumi:Stack"),
    "outputs",
  );
  const [namespace, service] = [textAt(outputs, "namespace"), textAt(outputs, "service")];
  const [database, user] = [textAt(outputs, "database"), textAt(outputs, "user")];
  if (namespace === undefined || service === undefined || database === undefined || user === undefined)
    return undefined;
  return { namespace, service, database, user };
}

/** Whether changes reach pods that keep running: settings or passwords changed, and nothing that renews the pods. */
export function reachesRunningPods(changes: readonly PlannedChange[], { namespace, names }: ClusterSpec): boolean {
  const files = new Set([`ConfigMap ${namespace}/${names.configMap}`, `Secret ${namespace}/${names.secret}`]);
  const changed = changes.some(({ change, kind, name }) => change === "update" && files.has(`${kind} ${name}`));
  const renewed = changes.some(
    ({ change, kind, details }) =>
      kind === "StatefulSet" && (change !== "update" || details.some((detail) => detail.startsWith("spec.template"))),
  );
  return changed && !renewed;
}
