import type { Resource, Rule, StackRule } from "./rules";
import { at, listAt, textAt, textsAt } from "./values";

/** Whether a selector selects everything there is. */
const isEmpty = (selector: unknown): boolean =>
  textsAt(selector, "matchLabels").length === 0 && listAt(selector, "matchExpressions").length === 0;

/** A policy without the list restricts what comes in, too. */
function restrictsIngress(policy: unknown): boolean {
  const types = listAt(policy, "spec", "policyTypes");
  return types.length === 0 || types.includes("Ingress");
}

export const clientsNamed: Rule = {
  name: "clients-named",
  description: "A NetworkPolicy lets in pods that it names, and on ports that it names.",
  violations({ type, props }) {
    if (!type.endsWith(":NetworkPolicy")) return [];
    return listAt(props, "spec", "ingress").flatMap((rule) => {
      const peers = listAt(rule, "from");
      const found: string[] = [];
      if (peers.length === 0)
        found.push("A rule without from lets everybody in. Name the pods (networkPolicy.clients).");
      if (peers.some((peer) => at(peer, "ipBlock") !== undefined))
        found.push("An ipBlock lets in addresses from outside. Name pods instead (networkPolicy.clients).");
      const places = peers.map((peer) => at(peer, "namespaceSelector")).filter((place) => place !== undefined);
      if (places.some(isEmpty))
        found.push("An empty namespaceSelector lets in pods of every namespace. Name theirs (networkPolicy.clients).");
      if (listAt(rule, "ports").length === 0)
        found.push("A rule without ports opens all of them. Name the database's.");
      return found;
    });
  },
};

/** Whether a NetworkPolicy selects the pods of a StatefulSet. */
function selects(policy: unknown, set: unknown): boolean {
  const labels = at(set, "spec", "template", "metadata", "labels");
  const selector = at(policy, "spec", "podSelector");
  return (
    textAt(policy, "metadata", "namespace") === textAt(set, "metadata", "namespace") &&
    listAt(selector, "matchExpressions").length === 0 &&
    textsAt(selector, "matchLabels").every(([label, value]) => textAt(labels, label) === value)
  );
}

const ofKind = (resources: readonly Resource[], kind: string): unknown[] =>
  resources.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ props }) => props);

export const networkClosed: StackRule = {
  name: "network-closed",
  description: "A NetworkPolicy closes the pods of each StatefulSet, unless the stack's settings say otherwise.",
  violations(resources, { networkPolicy = true } = {}) {
    if (!networkPolicy) return [];
    const policies = ofKind(resources, "NetworkPolicy").filter(restrictsIngress);
    const open = ofKind(resources, "StatefulSet").filter((set) => !policies.some((policy) => selects(policy, set)));
    return open.map(
      (set) =>
        `StatefulSet ${textAt(set, "metadata", "name")} is open to pods of all namespaces. Close it with a NetworkPolicy (networkPolicy.enabled: true).`,
    );
  },
};
