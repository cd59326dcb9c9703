import type { CompleteArgs } from "../args";
import { majorOfImage } from "../image";
import { allSettingRows } from "../setting-effects";
import type { ChangeClass } from "./types";

/** What there is to know about a change of a setting beside its class; undefined where that says all. */
export function noteOn(
  setting: string,
  effect: ChangeClass,
  before: CompleteArgs,
  after: CompleteArgs,
): string | undefined {
  const own = notes[setting.split(".")[0] ?? ""]?.(before, after, setting);
  return own ?? (effect === "refused" ? whyRefused(setting) : undefined);
}

/** The words of docs/settings.md, without their marks. */
function whyRefused(setting: string): string | undefined {
  const row = allSettingRows().find(([name]) => setting === name || setting.startsWith(`${name}.`));
  return row?.[1].change?.replaceAll("`", "");
}

type Note = (before: CompleteArgs, after: CompleteArgs, setting: string) => string | undefined;

const additions: Note = (_, after, setting) => {
  const [list, ...name] = setting.split(".");
  const entries = list === "roles" ? after.roles : list === "databases" ? after.databases : after.extensions;
  return entries.some((entry) => entry.name === name.join("."))
    ? "Made while the primary runs; what is there already stays."
    : "Taking it out drops nothing.";
};

const renamed =
  (what: string, field: "database" | "user"): Note =>
  (before, after) =>
    after.acknowledge[field] === after[field] && after[field] !== before[field]
      ? `The ${what} must have this name already, by SQL; apps need the new name: run their up as well.`
      : undefined;

const notes: Record<string, Note> = {
  database: renamed("database", "database"),
  user: renamed("role", "user"),
  image: (before, after) => {
    const [old, now] = [majorOfImage(before.image), majorOfImage(after.image)];
    return old === now ? undefined : otherMajor(old, now);
  },
  replicas: (before, after) =>
    after.replicas > before.replicas
      ? "New pods clone the primary, or go on from a volume they had."
      : "The volumes of removed pods stay.",
  synchronousReplicas: (_, after) =>
    after.synchronousReplicas === 0
      ? "Commits wait for no replica any more."
      : `Commits wait for ${after.synchronousReplicas} of ${after.replicas - 1} replicas.`,
  storageSize: (before, after) =>
    before.storageSize === after.storageSize ? undefined : "Volumes grow and never shrink.",
  superuserAccess: (_, { superuserAccess }) =>
    superuserAccess
      ? "The superuser may connect over the network, with the password SUPERUSER_PASSWORD of the Secret."
      : "The superuser may no longer connect over the network, and loses its password. Open sessions go on.",
  roles: additions,
  databases: additions,
  extensions: additions,
  updateStrategy: ({ updateStrategy: before }, { updateStrategy: after }, setting) => {
    if (setting.endsWith(".partition")) {
      return after.partition > before.partition
        ? `Pods below ${after.partition} keep their settings at later changes.`
        : "Pods that wait for an update and may have it now are restarted.";
    }
    return after.type === "OnDelete"
      ? "Pods that a later change would restart wait until you delete them."
      : "Pods that wait for an update and may have it now are restarted.";
  },
  keepVolumes: (_, { keepVolumes }) =>
    keepVolumes ? "Deleting the stack keeps its data." : "Deleting the stack deletes its data.",
  protect: (_, { protect }) =>
    protect ? "Pulumi refuses to delete or replace the cluster." : "Pulumi no longer refuses to delete the cluster.",
  tls: (before, after, setting) =>
    setting === "tls.mode" && before.tls.mode !== after.tls.mode ? otherTls(after) : undefined,
  networkPolicy: (_, { networkPolicy }) =>
    networkPolicy.enabled
      ? "Open sessions may stay; new ones are judged by the new rules, where the cluster's network enforces them."
      : "Every pod that knows a password may connect, from any namespace.",
  passwordGeneration: () => "All passwords are renewed. New sessions need the new ones, open sessions go on.",
  recoverPrimaryFrom: (_, { recoverPrimaryFrom }) =>
    recoverPrimaryFrom === undefined ? undefined : "Heeded only while the primary's volume is empty.",
};

function otherTls({ tls, synchronousReplicas }: CompleteArgs): string {
  const replicas = "A replica that has restarted does not stream until the primary has, too";
  const commits = synchronousReplicas === 0 ? `${replicas}.` : `${replicas}, and commits wait that long.`;
  const clients =
    tls.mode === "off"
      ? "Clients that demand TLS are refused from then on."
      : "Clients need TLS from then on, and those that verify the servers the new authority (output tls).";
  return `${commits} ${clients}`;
}

function otherMajor(old: number | undefined, now: number | undefined): string {
  const [from, to] = [old, now].map((version) => (version === undefined ? "an unknown major" : `${version}`));
  return `From PostgreSQL ${from} to ${to}: no server starts on the data of another major.`;
}
