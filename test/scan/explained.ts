import type { Finding } from "../tools/scanners";

/** A finding that stays, and why. */
export interface Explained extends Omit<Finding, "title"> {
  why: string;
}

const uid =
  "The image's user `postgres` has uid and gid 999 (Debian's; Alpine's 70), and `initdb` refuses a uid that its image " +
  "does not know. For an image with another user there are `runAsUser` and `runAsGroup`.";

const words =
  "The scripts handle passwords and keys, so they have these words and variables of such names; they have no password and " +
  "no key. That generated ones are in the Secret alone is a test of every plan.";

/**
 * What the scanners find in stack `prod` and nobody mends. Compared with what they find, both ways: a new finding is mended
 * or gets a line here, a line without a finding goes.
 */
export const explained: readonly Explained[] = [
  {
    scanner: "kube-score",
    severity: "critical",
    check: "container-security-context-user-group-id",
    object: "StatefulSet/postgres",
    why: uid,
  },
  {
    scanner: "kube-score",
    severity: "critical",
    check: "container-image-pull-policy",
    object: "StatefulSet/postgres",
    why:
      "With `Always` a registry that does not answer keeps a killed primary down; `IfNotPresent` starts what the node " +
      "has. For a tag that may move, write the digest into `image`.",
  },
  {
    scanner: "kube-score",
    severity: "critical",
    check: "service-targets-pod",
    object: "Service/postgres-primary",
    why:
      "It does: it selects by `statefulset.kubernetes.io/pod-name`, which Kubernetes puts on each pod of a StatefulSet, and " +
      "the scanner only knows the labels of the template.",
  },
  {
    scanner: "kube-score",
    severity: "warning",
    check: "statefulset-has-host-podantiaffinity",
    object: "StatefulSet/postgres",
    why:
      "`topologySpreadConstraints` spread the pods over nodes and zones, and still let a small cluster run all of them; " +
      "the scanner only knows the older way.",
  },
  { scanner: "Trivy", severity: "critical", check: "KSV-0109", object: "ConfigMap/postgres-scripts", why: words },
  { scanner: "Trivy", severity: "warning", check: "KSV-01010", object: "ConfigMap/postgres-scripts", why: words },
  { scanner: "Trivy", severity: "warning", check: "KSV-0020", object: "StatefulSet/postgres", why: uid },
  { scanner: "Trivy", severity: "warning", check: "KSV-0021", object: "StatefulSet/postgres", why: uid },
];

/** What tells one finding from another. */
export const keyOf = ({ scanner, severity, check, object }: Omit<Finding, "title">): string =>
  `${scanner} ${severity}: ${check} ${object}`;

/** How findings differ from those that are explained. */
export function differences(found: readonly Finding[]): { unexplained: string[]; gone: string[] } {
  const [has, expected] = [found.map(keyOf), explained.map(keyOf)];
  return {
    unexplained: has.filter((key) => !expected.includes(key)),
    gone: expected.filter((key) => !has.includes(key)),
  };
}
