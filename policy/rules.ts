import { clientsNamed, networkClosed } from "./network";
import { at, listAt, textAt, textsAt } from "./values";

/** A resource as a program asks for it. */
export interface Resource {
  /** Pulumi's type token, for example `kubernetes:core/v1:Service`. */
  type: string;
  props: unknown;
}

/** What a stack may choose. */
export interface RuleSettings {
  /** Whether volumes outlive the stack. Default true. */
  keepVolumes?: boolean;
  /** Whether a NetworkPolicy closes the pods. Default true. */
  networkPolicy?: boolean;
}

/** What every stack keeps to. */
export interface Rule {
  name: string;
  description: string;
  /** What is wrong with a resource and what to do; empty where the rule is kept or says nothing about this type. */
  violations: (resource: Resource, settings?: RuleSettings) => string[];
}

/** What a stack keeps to as a whole. */
export interface StackRule {
  name: string;
  description: string;
  /** What is missing in these resources, which are all of the stack, and what to do. */
  violations: (resources: readonly Resource[], settings?: RuleSettings) => string[];
}

/** Shortest password that is generated; 62 characters to the power of 20 cannot be guessed. */
const shortestPassword = 20;

/** The kind of a resource without its group and version, which change over the years: `Service`. */
const kindOf = ({ type }: Resource): string => type.slice(type.lastIndexOf(":") + 1);

/** What a resource is judged as: a patch (`ServicePatch`) as what it changes, a list (`ServiceList`) as all that it holds. */
function judgedAs({ type, props }: Resource): Resource[] {
  const kind = kindOf({ type, props });
  const group = type.slice(0, type.length - kind.length);
  const items = at(props, "items");
  if (kind.endsWith("List") && Array.isArray(items)) {
    // The items of a plain List say themselves what they are.
    return items.flatMap((item) =>
      judgedAs({ type: group + (textAt(item, "kind") || kind.slice(0, -"List".length)), props: item }),
    );
  }
  return [{ type: kind.endsWith("Patch") ? type.slice(0, -"Patch".length) : type, props }];
}

/** Kinds that lead into the cluster: of Kubernetes and its Gateway API, of Traefik, Contour, Kong, OpenShift and Knative. */
const leadsIn =
  /^kubernetes:.*:(Ingress|IngressRoute(TCP|UDP)?|(TCP|UDP)Ingress|HTTPProxy|Gateway|(HTTP|GRPC|TLS|TCP|UDP)?Route)$/;

/** The pod that a resource runs, or is. */
function podOf({ type, props }: Resource): unknown {
  const kind = kindOf({ type, props });
  if (kind === "Pod") return at(props, "spec");
  if (kind === "CronJob") return at(props, "spec", "jobTemplate", "spec", "template", "spec");
  const runsPods = ["StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"].includes(
    kind,
  );
  return runsPods ? at(props, "spec", "template", "spec") : undefined;
}

const containersOf = (resource: Resource): unknown[] => {
  const pod = podOf(resource);
  return [...listAt(pod, "initContainers"), ...listAt(pod, "containers")];
};

const nameOf = (container: unknown): string => `container ${textAt(container, "name")}`;

const exposure: Rule = {
  name: "no-public-exposure",
  description: "The database is reachable inside its Kubernetes cluster only.",
  violations(resource) {
    const { type, props } = resource;
    const kind = kindOf(resource);
    const found: string[] = [];
    const serviceType = textAt(props, "spec", "type");
    if (kind === "Service" && ["LoadBalancer", "NodePort"].includes(serviceType))
      found.push(`A Service of type ${serviceType} is reachable from outside. Use ClusterIP.`);
    if (kind === "Service" && listAt(props, "spec", "externalIPs").length > 0)
      found.push("externalIPs make a Service reachable from outside. Leave them out.");
    if (leadsIn.test(type) || type.includes("gateway.networking.k8s.io"))
      found.push(`A resource of kind ${kind} leads in from outside. Leave it out: apps connect inside the cluster.`);
    if (at(podOf(resource), "hostNetwork") === true)
      found.push("hostNetwork puts the pod's ports on its node. Leave it out.");
    for (const container of containersOf(resource)) {
      if (listAt(container, "ports").some((port) => at(port, "hostPort") !== undefined))
        found.push(`hostPort puts a port of ${nameOf(container)} on its node. Leave it out.`);
    }
    return found;
  },
};

const retention: Rule = {
  name: "volumes-retained",
  description: "Volumes outlive what made them, unless the stack's settings say otherwise (keepVolumes: false).",
  violations(resource, { keepVolumes = true } = {}) {
    const { props } = resource;
    const kind = kindOf(resource);
    const found: string[] = [];
    // Kubernetes' own default is Delete.
    if (kind === "StorageClass" && keepVolumes && textAt(props, "reclaimPolicy") !== "Retain")
      found.push("Disks of this class are deleted with their claims. Set reclaimPolicy to Retain (keepVolumes: true).");
    if (
      kind === "PersistentVolume" &&
      keepVolumes &&
      textAt(props, "spec", "persistentVolumeReclaimPolicy") !== "Retain"
    )
      found.push("The disk is deleted with its claim. Set persistentVolumeReclaimPolicy to Retain.");
    const policy = at(props, "spec", "persistentVolumeClaimRetentionPolicy");
    if (kind === "StatefulSet" && keepVolumes && textAt(policy, "whenDeleted") === "Delete")
      found.push("The claims are deleted with the StatefulSet. Set whenDeleted to Retain (keepVolumes: true).");
    if (kind === "StatefulSet" && textAt(policy, "whenScaled") === "Delete")
      found.push("The claims of pods that are scaled away are deleted. Set whenScaled to Retain.");
    return found;
  },
};

const limits: Rule = {
  name: "limits-set",
  description: "Every container has a limit of CPU and memory.",
  violations(resource) {
    return containersOf(resource).flatMap((container) =>
      ["cpu", "memory"]
        .filter((kind) => isNone(at(container, "resources", "limits", kind)))
        .map((kind) => `${nameOf(container)} may use all ${kind} of its node. Set resources.limits.${kind}.`),
    );
  },
};

/** Whether a quantity limits nothing: it is missing, empty or zero. */
const isNone = (quantity: unknown): boolean => /^(|[+-]?0*\.?0*[a-z]*)$/i.test(`${quantity ?? ""}`.trim());

const passwords: Rule = {
  name: "passwords-protected",
  description: "Passwords are generated, long, and in Secrets that pods mount as files.",
  violations(resource) {
    const { props } = resource;
    const kind = kindOf(resource);
    const found: string[] = [];
    if (kind === "RandomPassword" && Number(at(props, "length")) < shortestPassword)
      found.push(`A password of ${at(props, "length")} characters is too short. Use ${shortestPassword} or more.`);
    if (kind === "ConfigMap") {
      for (const [name, text] of textsAt(props, "data")) {
        if (isPassword(name) || isPasswordFile(name) || holdsPassword(text))
          found.push(`A ConfigMap is no place for the password in ${name}. Put it into a Secret.`);
      }
    }
    for (const container of containersOf(resource)) {
      for (const variable of listAt(container, "env")) {
        const [name, value] = [textAt(variable, "name"), textAt(variable, "value")];
        const fromSecret = at(variable, "valueFrom", "secretKeyRef") !== undefined;
        if (fromSecret || isPassword(name) || holdsPassword(value))
          found.push(`${nameOf(container)} has the password ${name} in its environment. Mount the Secret as a file.`);
      }
      for (const source of listAt(container, "envFrom")) {
        const secret = at(source, "secretRef");
        if (secret === undefined) continue;
        const which = textAt(secret, "name");
        found.push(`${nameOf(container)} has the Secret ${which} in its environment. Mount the Secret as a file.`);
      }
      const words = [...listAt(container, "command"), ...listAt(container, "args")].map(String);
      if (words.some((word) => holdsPassword(word) || /^--?[a-z-]*password=./i.test(word)))
        found.push(`${nameOf(container)} has a password in its command line. Mount the Secret as a file.`);
    }
    return found;
  },
};

/** Whether a variable or a key is a password by its name. That of a file (`PASSWORD_FILE`, `passwords.sh`) is none. */
const isPassword = (name: string): boolean =>
  (/(^|[_-])(PG)?(password|passwd|secret|token)([_-]|$)/i.test(name) && !/_FILE$|\.[a-z]+$/i.test(name)) ||
  // PWD and OLDPWD are the shell's folders.
  (/(password|passwd|pwd)$/i.test(name) && !/^(OLD)?PWD$/.test(name));

/** Whether a key is that of a file of passwords: `.pgpass`, `password.txt`. A script only handles them. */
const isPasswordFile = (name: string): boolean => /^(\.?pgpass|passwords?\b)/i.test(name) && !/\.(sh|sql)$/i.test(name);

/** Whether a text holds a URI with a password, or gives one itself (`password=word`, but not `password=$1`). */
const holdsPassword = (text: string): boolean =>
  /:\/\/[^\s/:@'"]*:[^\s/@'"$]+@/.test(text) ||
  /(password|passwd|(^|[^a-z])pwd)[ \t]*=[ \t]*['"]?[^\s'"$=]/i.test(text);

const images: Rule = {
  name: "images-pinned",
  description: "Images have a tag other than latest, or a digest.",
  violations(resource) {
    return containersOf(resource).flatMap((container) => {
      const image = textAt(container, "image");
      const [name = "", digest] = image.split("@");
      // A colon before the last slash belongs to the registry's port.
      const tag = name.slice(name.lastIndexOf("/") + 1).split(":")[1] ?? "latest";
      if (digest !== undefined || tag !== "latest") return [];
      return [`Image ${image} of ${nameOf(container)} may be another one tomorrow. Name a version or a digest.`];
    });
  },
};

/** The rules of the pack that each resource keeps. */
export const rules: readonly Rule[] = [exposure, clientsNamed, retention, limits, passwords, images].map((rule) => ({
  ...rule,
  violations: (resource, settings) => judgedAs(resource).flatMap((one) => rule.violations(one, settings)),
}));

/** The rules of the pack that a stack keeps. */
export const stackRules: readonly StackRule[] = [networkClosed];
