import type { CompleteArgs } from "../args";
import { monitoringUser, readonlyUser, superuser } from "../names";

/** Key of the Secret with the password of a role that the settings add. */
export function passwordKey(role: string): string {
  return `PASSWORD_${role}`;
}

/** Keys of the Secret with the passwords of the roles that every cluster has, and of the superuser where it has one, by role. */
export function generatedKeys({ superuserAccess }: Pick<CompleteArgs, "superuserAccess">): Record<string, string> {
  return {
    [readonlyUser]: "READONLY_PASSWORD",
    [monitoringUser]: "MONITORING_PASSWORD",
    ...(superuserAccess && { [superuser]: "SUPERUSER_PASSWORD" }),
  };
}

/**
 * The roles, databases and extensions that the settings add, as files of the ConfigMap for scripts/additions.sh: a line
 * for each, its fields separated by tabs, which no name can hold. A setting without entries has no file.
 */
export function additionFiles({
  roles,
  databases,
  extensions,
}: Pick<CompleteArgs, "roles" | "databases" | "extensions">): Record<string, string> {
  const lines = {
    roles: roles.map(({ name, memberOf }) => [name, ...memberOf]),
    databases: databases.map(({ name, owner }) => [name, owner]),
    extensions: extensions.map(({ name, database }) => [name, database]),
  };
  return Object.fromEntries(
    Object.entries(lines)
      .filter(([, entries]) => entries.length > 0)
      .map(([setting, entries]) => [setting, entries.map((fields) => `${fields.join("\t")}\n`).join("")]),
  );
}
