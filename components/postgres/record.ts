import type { AcknowledgeArgs, CompleteArgs } from "./args";
import { newCluster } from "./fixed-fields";
import { majorOfImage } from "./image";
import { knownMajors } from "./parameters/catalog";
import { type Problem, when } from "./problem";
import type { ClusterSpec } from "./spec";

/**
 * What a cluster's data is, as it was written down on the latch when the pods were first ready. The latch lives as long
 * as the volumes. What is undefined was never written down: the image's tag names no major, or an earlier version made
 * the latch.
 */
export interface DataRecord {
  name?: string | undefined;
  namespace?: string | undefined;
  /** Major version of PostgreSQL that the data is of. */
  major?: number | undefined;
  database?: string | undefined;
  user?: string | undefined;
}

/** What a person can change in the data by hand, and then acknowledge. */
const acknowledged = ["major", "database", "user"] as const satisfies readonly (keyof AcknowledgeArgs)[];
type Acknowledged = (typeof acknowledged)[number];

const annotation = (field: Acknowledged): string => `kubernetes-postgres/${field}`;

/** Annotations of the latch, which are the record. */
export function recordAnnotations({ image, database, user, acknowledge }: ClusterSpec): Record<string, string> {
  const major = acknowledge.major ?? majorOfImage(image);
  return {
    ...(major !== undefined && { [annotation("major")]: `${major}` }),
    [annotation("database")]: database,
    [annotation("user")]: user,
    // After the stack was deleted another field manager owns what it had: only what is acknowledged may overrule that.
    ...(isAcknowledged(acknowledge) && { "pulumi.com/patchForce": "true" }),
  };
}

/** What an update of the latch leaves alone, so that the record stays what it was: all that is not acknowledged. */
export function recordedFields({ acknowledge }: ClusterSpec): string[] {
  const kept = acknowledged.filter((field) => acknowledge[field] === undefined);
  return [
    "metadata.name",
    "metadata.namespace",
    ...kept.map((field) => `metadata.annotations["${annotation(field)}"]`),
  ];
}

const isAcknowledged = (acknowledge: AcknowledgeArgs): boolean =>
  acknowledged.some((field) => acknowledge[field] !== undefined);

/** The record that these annotations are; the names are those of the object that has them. */
export function readRecord(annotations: Readonly<Record<string, string>> | undefined): DataRecord {
  const text = (field: Acknowledged): string | undefined => annotations?.[annotation(field)];
  const major = Number(text("major"));
  return { major: Number.isInteger(major) ? major : undefined, database: text("database"), user: text("user") };
}

/** Acknowledgements that say something else than the settings beside them: each opens one change, and none that follows. */
export function acknowledgeProblems({ acknowledge, image, database, user }: CompleteArgs): Problem[] {
  const { major } = acknowledge;
  const [oldest, ofImage] = [Math.min(...knownMajors), majorOfImage(image)];
  if (major !== undefined && (!Number.isInteger(major) || major < oldest)) {
    return [
      {
        setting: "acknowledge.major",
        asked: `${major}`,
        why: `It is the major version of PostgreSQL that the data was upgraded to: a whole number from ${oldest}.`,
        fix: "Use the major version of the image, or take it out if the data was not upgraded.",
      },
    ];
  }
  const other = (field: Acknowledged, asked: unknown, setting: string, value: unknown): Problem[] =>
    when(asked !== undefined && asked !== value, {
      setting: `acknowledge.${field}`,
      asked: `${asked}`,
      why: `It says what the data is now, and ${setting} asks for ${value}.`,
      fix: `Take it out: it is needed for one change only. Where the data really is of ${value} now, set it to ${value}.`,
    });
  return [
    ...when(major !== undefined && ofImage === undefined, {
      setting: "acknowledge.major",
      asked: `${major}`,
      why: `It says what the data is now, and the tag of image ${image} names no major that could be compared with it.`,
      fix: `Use an image whose tag begins with its major, such as postgres:${major}; or take it out.`,
    }),
    ...(ofImage === undefined ? [] : other("major", major, "image", ofImage)),
    ...other("database", acknowledge.database, "database", database),
    ...other("user", acknowledge.user, "user", user),
  ];
}

/**
 * Settings that ask for other data than there is, and are not acknowledged.
 * @param beside how to have a new cluster.
 */
export function recordProblems(spec: ClusterSpec, record: DataRecord, beside = newCluster): Problem[] {
  return [
    ...renamings(spec, record, beside),
    ...(spec.acknowledge.major === undefined ? majorProblems(spec, record, beside) : []),
  ];
}

function renamings(spec: ClusterSpec, record: DataRecord, beside: string): Problem[] {
  const changed = (setting: "name" | "namespace" | Acknowledged, why: string, fix: string): Problem[] => {
    const before = record[setting];
    const asked = setting === "major" ? undefined : spec[setting];
    if (before === undefined || asked === undefined || asked === before) return [];
    return [{ setting, asked, why, fix: `Set it back to ${before}. ${fix}` }];
  };
  const empty =
    "this would make a new, empty cluster beside the old one, whose pods would be deleted and whose data nobody would use.";
  const app = (setting: "database" | "user", what: string): Problem[] =>
    spec.acknowledge[setting] !== undefined
      ? []
      : changed(
          setting,
          `The data was made with ${what} ${record[setting]}; the outputs would name a ${what} that does not exist, or is empty.`,
          `The setting ${setting === "user" ? "roles" : "databases"} makes a further one. ` +
            `If it was renamed in SQL: set acknowledge.${setting} to ${spec[setting]}. ${beside}`,
        );
  return [
    ...changed("namespace", `The cluster runs in ${record.namespace}: ${empty}`, beside),
    ...changed("name", `The cluster is ${record.name}: ${empty}`, beside),
    ...app("database", "database"),
    ...app("user", "role"),
  ];
}

function majorProblems({ image, namespace, names }: ClusterSpec, { major }: DataRecord, beside: string): Problem[] {
  const asked = majorOfImage(image);
  if (asked === undefined || major === undefined || asked === major) return [];
  const upgrade =
    asked < major
      ? `There is no way back to an older major but pg_dump. ${beside}`
      : `${beside} If the volumes were upgraded by hand (pg_upgrade, with the pods stopped): set acknowledge.major to ${asked}.`;
  return [
    {
      setting: "image",
      asked: image,
      why: `The data of ${namespace}/${names.statefulSet} is of PostgreSQL ${major}, and ${asked} does not read it: the pods would not start.`,
      fix: `Set it back to an image of PostgreSQL ${major}. ${upgrade}`,
    },
  ];
}
