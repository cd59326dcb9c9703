import { createHash } from "node:crypto";
import { type CompleteArgs, type PostgresClusterArgs, withDefaults } from "../args";
import { clientsText } from "../network-policy";
import { canonicalName } from "../parameters/catalog";
import { serverParameters } from "../parameters/sizing";
import { clusterSpec, serverSize } from "../spec";
import { noteOn } from "./notes";
import { classBetween, derivedChanges } from "./objects";
import type { SettingVerdict } from "./types";

/** One setting, wherever it is nested: how it is read, and how it is carried from one set of settings to another. */
interface Place {
  setting: string;
  /** Whether these settings say something of it, rather than leave it to its default. */
  isSet(args: PostgresClusterArgs): boolean;
  /** The value in force, as one reads it. */
  value(args: CompleteArgs): string;
  /** Where the value comes from when it is left to its default; undefined where that needs no word. */
  origin?(args: PostgresClusterArgs): string | undefined;
  carry(from: PostgresClusterArgs, to: PostgresClusterArgs): PostgresClusterArgs;
}

const nothing = "none";

/** Parameters whose value may hold a password; ssl_key_file and the like hold a path. */
const secretParameter = /conninfo|passphrase|secret|token|passw(or)?d$|(key|pwd|dsn|uri|url)s?($|[._](?!file$))/i;

/** A value that holds a password by its looks: a URI, or `password=`. */
const secretValue = /:\/\/[^\s/@]*:[^\s@]*@|(pass|password|passwd|pwd)\s*[=:]/i;

/** The settings that differ, each judged as if it alone changed; the gravest first. */
export function settingVerdicts(before: PostgresClusterArgs, after: PostgresClusterArgs): SettingVerdict[] {
  const [old, now] = [withDefaults(before), withDefaults(after)];
  const deployed = clusterSpec(before, {});
  // What somebody sets follows from nothing.
  const given = new Set(Object.keys(now.parameters).map((name) => name.toLowerCase()));
  const inTheEnd = new Map(
    derivedChanges(deployed, clusterSpec(after, {})).map((change) => [change.name, change.after]),
  );
  return places(before, after)
    .filter((place) => place.isSet(before) || place.isSet(after))
    .filter((place) => place.value(old) !== place.value(now))
    .map((place) => {
      // What opens a change belongs to it.
      const changed = clusterSpec(acknowledged.carry(after, place.carry(after, before)), {});
      const effect = classBetween(deployed, changed);
      const itself = place.setting.replace(/^parameters\./, "");
      return {
        setting: place.setting,
        before: place.value(old) + (place.origin?.(before) ?? ""),
        after: place.value(now) + (place.origin?.(after) ?? ""),
        class: effect,
        note: noteOn(place.setting, effect, old, now),
        derived:
          effect === "refused"
            ? []
            : derivedChanges(deployed, changed)
                .filter(({ name }) => name !== itself && !given.has(name))
                // It follows from two settings, which change together: from one alone it would be what never is.
                .map((one) => (one.name === standbys ? { ...one, after: inTheEnd.get(standbys) ?? one.before } : one))
                .filter((one) => one.before !== one.after),
      };
    })
    .map((verdict) => (isSecret(verdict) ? { ...verdict, before: "[secret]", after: "[secret]" } : verdict))
    .sort((a, b) => gravity.indexOf(a.class) - gravity.indexOf(b.class) || (a.setting < b.setting ? -1 : 1));
}

const standbys = "synchronous_standby_names";

const gravity = ["replace", "refused", "restart", "scale", "grow", "reload", "none"];

const isSecret = ({ setting, before, after }: SettingVerdict): boolean =>
  setting.startsWith("parameters.") &&
  (secretParameter.test(setting) || secretValue.test(before) || secretValue.test(after));

function places(before: PostgresClusterArgs, after: PostgresClusterArgs): Place[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name): Place[] => {
    switch (name) {
      case "encryption":
        // Beside an own key, one that exists would change nothing.
        return [choicePlace(name, "createKey"), choicePlace(name, "keyId")];
      case "resources":
        return resourcePlaces();
      case "updateStrategy":
        return [fieldPlace(name, "type"), fieldPlace(name, "partition")];
      case "tls":
        return [
          // They are one choice: a mode without what it needs is no stack.
          ...(["mode", "secretName", "issuer"] as const).map((field) => choicePlace(name, field)),
          fieldPlace(name, "caCertificate", ({ caCertificate }) => fingerprint(caCertificate)),
        ];
      case "networkPolicy":
        return [fieldPlace(name, "enabled"), fieldPlace(name, "clients", clientsText)];
      case "parameters":
        return parameterPlaces(before, after);
      case "roles":
      case "databases":
      case "extensions":
        return listPlaces(name, before, after);
      default:
        return [singlePlace(name)];
    }
  });
}

function singlePlace(setting: string): Place {
  const read = (args: object): unknown => Reflect.get(args, setting);
  return {
    setting,
    isSet: (args) => read(args) !== undefined,
    value: (args) => shown(read(args)),
    carry: (from, to) => ({ ...to, [setting]: read(from) }),
  };
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return nothing;
  if (Array.isArray(value)) return value.map(shown).join(", ") || nothing;
  if (typeof value !== "object") return `${value}`;
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${shown(field)}`);
  return fields.join(", ") || nothing;
}

const acknowledged = singlePlace("acknowledge");

function resourcePlaces(): Place[] {
  const parts = ["requests", "limits"] as const;
  const kinds = ["cpu", "memory"] as const;
  return parts.flatMap((part) =>
    kinds.map(
      (kind): Place => ({
        setting: `resources.${part}.${kind}`,
        isSet: ({ resources }) => resources?.[part]?.[kind] !== undefined,
        value: ({ resources }) => resources[part][kind],
        carry: ({ resources: from }, to) => {
          const { [kind]: _, ...rest } = to.resources?.[part] ?? {};
          const value = from?.[part]?.[kind];
          return {
            ...to,
            resources: { ...to.resources, [part]: { ...rest, ...(value !== undefined && { [kind]: value }) } },
          };
        },
      }),
    ),
  );
}

type Nested = "updateStrategy" | "networkPolicy" | "tls" | "encryption";

/** A field of a setting that has several. */
function fieldPlace<N extends Nested>(
  setting: N,
  field: keyof CompleteArgs[N] & string,
  value: (of: CompleteArgs[N]) => string = (of) => shown(of[field]),
): Place {
  const read = (args: PostgresClusterArgs): unknown => Reflect.get(args[setting] ?? {}, field);
  return {
    setting: `${setting}.${field}`,
    isSet: (args) => read(args) !== undefined,
    value: (args) => value(args[setting]),
    carry: (from, to) => ({ ...to, [setting]: { ...to[setting], [field]: read(from) } }),
  };
}

/** A field that means nothing without the others: all of them are one choice, and carried together. */
function choicePlace<N extends Nested>(setting: N, field: keyof CompleteArgs[N] & string): Place {
  return { ...fieldPlace(setting, field), carry: singlePlace(setting).carry };
}

/** Of a certificate nobody reads more than which one it is. */
const fingerprint = (pem: string | undefined): string =>
  pem === undefined ? nothing : `sha256 ${createHash("sha256").update(pem.trim()).digest("hex").slice(0, 16)}`;

function parameterPlaces(before: PostgresClusterArgs, after: PostgresClusterArgs): Place[] {
  const find = ({ parameters = {} }: Pick<PostgresClusterArgs, "parameters">, name: string): string | undefined =>
    Object.entries(parameters).find(([spelled]) => canonicalName(spelled) === name)?.[1];
  const spelled = [...Object.keys(before.parameters ?? {}), ...Object.keys(after.parameters ?? {})];
  return [...new Set(spelled.map(canonicalName))].map((name) => ({
    setting: `parameters.${name}`,
    isSet: (args) => find(args, name) !== undefined,
    value: (args) => find(args, name) ?? computed(args, name) ?? "default",
    origin: (args) =>
      find(args, name) === undefined && computed(args, name) !== undefined ? " (computed)" : undefined,
    carry: (from, to) => {
      const others = Object.entries(to.parameters ?? {}).filter(([other]) => canonicalName(other) !== name);
      const value = find(from, name);
      return { ...to, parameters: Object.fromEntries(value === undefined ? others : [...others, [name, value]]) };
    },
  }));
}

/** What the program itself writes into postgresql.conf where the user says nothing of a parameter. */
function computed(args: PostgresClusterArgs, name: string): string | undefined {
  const others = Object.entries(args.parameters ?? {}).filter(([other]) => canonicalName(other) !== name);
  return serverParameters({ ...serverSize(withDefaults(args)), parameters: Object.fromEntries(others) })[name];
}

type List = "roles" | "databases" | "extensions";

/** What an entry of a list is known by, beside its name. */
function keyOf(entry: { name: string; database?: string | undefined }): string {
  return entry.database === undefined ? entry.name : `${entry.name}@${entry.database}`;
}

function listPlaces(list: List, before: PostgresClusterArgs, after: PostgresClusterArgs): Place[] {
  const entries = [...(withDefaults(before)[list] ?? []), ...(withDefaults(after)[list] ?? [])];
  const keys = new Map(entries.map((entry) => [keyOf(entry), entry.name]));
  return [...keys].map(([key, name]) => ({
    setting: `${list}.${name}`,
    isSet: (args) => withDefaults(args)[list].some((entry) => keyOf(entry) === key),
    value: (args) => entryText(args, list, key),
    carry: (from, to) => carryEntry(list, key, from, to),
  }));
}

function entryText(args: CompleteArgs, list: List, key: string): string {
  switch (list) {
    case "roles": {
      const role = args.roles.find((entry) => keyOf(entry) === key);
      if (role === undefined) return nothing;
      return role.memberOf.length === 0 ? "login role" : `member of ${role.memberOf.join(", ")}`;
    }
    case "databases": {
      const database = args.databases.find((entry) => keyOf(entry) === key);
      return database === undefined ? nothing : `owner ${database.owner}`;
    }
    case "extensions": {
      const extension = args.extensions.find((entry) => keyOf(entry) === key);
      return extension === undefined ? nothing : `in ${extension.database}`;
    }
  }
}

function carryEntry(list: List, key: string, from: PostgresClusterArgs, to: PostgresClusterArgs): PostgresClusterArgs {
  const merged = <T extends { name: string; database?: string }>(kept: readonly T[], taken: readonly T[]): T[] => {
    const entry = taken.find((one) => keyOf(one) === key);
    const others = kept.filter((one) => keyOf(one) !== key);
    return entry === undefined ? others : [...others, entry];
  };
  const [source, target] = [withDefaults(from), withDefaults(to)];
  switch (list) {
    case "roles":
      return { ...to, roles: merged(target.roles, source.roles) };
    case "databases":
      return { ...to, databases: merged(target.databases, source.databases) };
    case "extensions":
      return { ...to, extensions: merged(target.extensions, source.extensions) };
  }
}
