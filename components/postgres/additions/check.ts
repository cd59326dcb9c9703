import type { CompleteArgs } from "../args";
import { monitoringUser, readonlyUser, replicationUser, superuser } from "../names";
import { nearest } from "../parameters/nearest";
import { type Problem, when } from "../problem";
import { generatedKeys } from "./files";
import { membershipProblems } from "./memberships";
import { preloadProblems } from "./preload";

/** Databases and roles that are there without the app's. */
export const takenNames = {
  database: ["postgres", "template0", "template1"],
  user: [superuser, replicationUser, readonlyUser, monitoringUser, "public", "none"],
};

/** PostgreSQL cuts names after so many bytes. */
export const longestIdentifier = 63;

/** What cannot work about the names of the app's own role and database. */
export function appProblems({ database, user }: CompleteArgs): Problem[] {
  const identifier = (setting: "database" | "user", value: string): Problem[] => [
    ...when(setting === "database" && /=|^postgres(ql)?:\/\//.test(value), {
      setting,
      asked: value,
      why: "psql and libpq read a database name with = or :// as a connection string.",
      fix: "Choose another name, like myapp.",
    }),
    ...when(setting === "database" && value.startsWith("/"), {
      setting,
      asked: value,
      why: "pg_hba.conf takes a name that starts with / for a regular expression.",
      fix: "Choose another name, like myapp.",
    }),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    ...when(Buffer.byteLength(value) > longestIdentifier || /[\u0000-\u001f\u007f]/.test(value) || value === "", {
      setting,
      asked: value,
      why: "PostgreSQL cuts names after 63 bytes, and control characters cannot be written in its files.",
      fix: "Use a shorter name of printable characters.",
    }),
    ...when(takenNames[setting].includes(value) || (setting === "user" && value.startsWith("pg_")), {
      setting,
      asked: value,
      why: `This name is PostgreSQL's or the cluster's own; the app gets a ${setting} of its own.`,
      fix: `Choose another name, like ${setting === "user" ? "appuser" : "myapp"}.${setting === "user" ? rename(value) : ""}`,
    }),
  ];
  return [...identifier("database", database), ...identifier("user", user)];
}

/** Roles that every cluster has, with the keys of the Secret that have their passwords. */
const generated = new Map(Object.entries(generatedKeys({ superuserAccess: false })));

/** How an app's role whose name was taken by this version gets another. */
const rename = (user: string): string =>
  generated.has(user)
    ? ` Where the app's role has this name already: as superuser in the pod (kubectl exec) run ALTER ROLE ${user} RENAME TO appuser, then set user and acknowledge.user to appuser.`
    : "";

/** What cannot work about the roles, databases and extensions that the settings add. */
export function additionProblems(args: CompleteArgs): Problem[] {
  return [
    ...roleProblems(args),
    ...membershipProblems(args),
    ...databaseProblems(args),
    ...extensionProblems(args),
    ...preloadProblems(args),
  ];
}

function roleProblems({ roles, user }: CompleteArgs): Problem[] {
  return roles.flatMap(({ name }, index) => {
    const problem = { setting: `roles.${index}.name`, asked: name };
    const own = !generated.has(name) && (takenNames.user.includes(name) || name.startsWith("pg_"));
    return [
      ...when(!/^[a-z_][a-z0-9_]*$/.test(name) || name.length > longestIdentifier, {
        ...problem,
        why: `It becomes part of a key of the Secret: at most ${longestIdentifier} characters, only a-z, 0-9 and "_", not starting with a digit.`,
        fix: "Choose a name like reporting.",
      }),
      ...when(own, {
        ...problem,
        why: "This name is PostgreSQL's or the cluster's own.",
        fix: "Choose another name, like reporting.",
      }),
      ...when(generated.has(name), {
        ...problem,
        why: `Every cluster has this role, with its password under ${generated.get(name)} in the Secret.`,
        fix: `Take it out of roles: a role ${name} that is there already stays, and its memberships too. Or choose another name, like reporting.`,
      }),
      ...when(name === user, {
        ...problem,
        why: "It is the app's own role (setting user), which is made anyway and has its password under POSTGRES_PASSWORD.",
        fix: "Take it out of roles.",
      }),
      ...twice(problem, name, roles.slice(0, index).map(nameOf)),
    ];
  });
}

function databaseProblems({ databases, database, roles, user }: CompleteArgs): Problem[] {
  const owners = [user, ...roles.map(nameOf)];
  return databases.flatMap(({ name, owner }, index) => {
    const problem = { setting: `databases.${index}.name`, asked: name };
    return [
      ...when(!/^[a-z_][a-z0-9_-]*$/.test(name) || name.length > longestIdentifier, {
        ...problem,
        why: `A further database has at most ${longestIdentifier} characters, only a-z, 0-9, "_" and "-", not starting with a digit or "-".`,
        fix: "Choose a name like reports.",
      }),
      ...when(takenNames.database.includes(name), {
        ...problem,
        why: "This name is PostgreSQL's own.",
        fix: "Choose another name, like reports.",
      }),
      ...when(name === database, {
        ...problem,
        why: "It is the app's own database (setting database), which is made anyway.",
        fix: "Take it out of databases.",
      }),
      ...twice(problem, name, databases.slice(0, index).map(nameOf)),
      ...when(!owners.includes(owner), {
        setting: `databases.${index}.owner`,
        asked: owner,
        why: "The owner is neither the setting user nor one of roles.",
        fix: oneOf(owner, owners, "add it to roles"),
      }),
    ];
  });
}

function extensionProblems({ extensions, databases, database }: CompleteArgs): Problem[] {
  const possible = [database, ...databases.map(nameOf), "postgres"];
  const key = (one: { name: string; database: string }): string => `${one.name} in ${one.database}`;
  return extensions.flatMap((extension, index) => {
    const { name, database: target } = extension;
    const problem = { setting: `extensions.${index}.name`, asked: name };
    return [
      ...when(!/^[a-z0-9_-]+$/.test(name) || name.length > longestIdentifier, {
        ...problem,
        why: 'No extension has such a name: they are written with a-z, 0-9, "_" and "-".',
        fix: "Use a name that pg_available_extensions lists, like pg_trgm.",
      }),
      ...twice(problem, key(extension), extensions.slice(0, index).map(key)),
      ...when(!possible.includes(target), {
        setting: `extensions.${index}.database`,
        asked: target,
        why: "The database is neither the setting database nor one of databases.",
        fix: oneOf(target, possible, "add it to databases"),
      }),
    ];
  });
}

const nameOf = ({ name }: { name: string }): string => name;

function twice(problem: Pick<Problem, "setting" | "asked">, key: string, before: string[]): Problem[] {
  return when(before.includes(key), { ...problem, why: `${key} is listed twice.`, fix: "Remove one of them." });
}

function oneOf(asked: string, choices: string[], otherwise: string): string {
  const close = nearest(asked, choices);
  return close === undefined ? `Use one of: ${choices.join(", ")}; or ${otherwise}.` : `Did you mean ${close}?`;
}
