import type { CompleteArgs } from "../args";
import { majorOfImage } from "../image";
import { monitoringUser, readonlyUser, replicationUser } from "../names";
import { judgedMajor, knownMajors } from "../parameters/catalog";
import { nearest } from "../parameters/nearest";
import { type Problem, when } from "../problem";

/** PostgreSQL's own roles that a role may be a member of, with the first major that has them. */
const predefined = new Map([
  ...[
    ...["pg_monitor", "pg_read_all_data", "pg_read_all_settings", "pg_read_all_stats", "pg_signal_backend"],
    ...["pg_stat_scan_tables", "pg_write_all_data"],
  ].map((name): [string, number] => [name, 14]),
  ["pg_checkpoint", 15],
  ["pg_create_subscription", 16],
  ["pg_use_reserved_connections", 16],
  ["pg_maintain", 17],
  ["pg_signal_autovacuum_worker", 18],
]);

/** Roles that nobody may be made a member of. */
const forbidden = new Map(
  Object.entries({
    postgres: "It is the superuser",
    [replicationUser]: "It is the replicas' own, and may copy the whole cluster",
    pg_execute_server_program: "Its members run programs in the pod as the server's user, and so become superusers",
    pg_read_server_files:
      "Its members read every file that the server can, the passwords of the Secret in plain text among them",
    pg_write_server_files: "Its members write any file of the server, its settings included, and so become superusers",
    pg_database_owner: "PostgreSQL itself makes the owner of a database its only member",
  }),
);

type Finding = Pick<Problem, "why" | "fix">;

/** What cannot work about the memberships of the roles that the settings add. */
export function membershipProblems({ roles, user, image }: CompleteArgs): Problem[] {
  const ours = [user, ...roles.map(({ name }) => name), readonlyUser, monitoringUser];
  const major = majorOfImage(image);
  const wrong = roles.flatMap(({ memberOf }, index) =>
    memberOf.flatMap((group, position) => {
      const problem = { setting: `roles.${index}.memberOf.${position}`, asked: group };
      const finding = ours.includes(group) ? undefined : findingOf(group, ours, major);
      const twice = { ...problem, why: `${group} is listed twice.`, fix: "Remove one of them." };
      return [
        ...(finding === undefined ? [] : [{ ...problem, ...finding }]),
        ...when(memberOf.indexOf(group) < position, twice),
      ];
    }),
  );
  return [...wrong, ...cycleProblems(roles)];
}

function findingOf(group: string, ours: string[], major: number | undefined): Finding | undefined {
  const reason = forbidden.get(group);
  if (reason !== undefined) {
    return {
      why: `${reason}.`,
      fix: "Take it out; pg_read_all_data and pg_write_all_data give access to all tables, and to nothing else.",
    };
  }
  const since = predefined.get(group);
  const judged = judgedMajor(major);
  if (since !== undefined && since > judged) {
    return { why: `PostgreSQL has ${group} only from ${since} on, and the image has ${judged}.`, fix: "Take it out." };
  }
  // A major newer than we know may have more of them.
  const isNewer = major !== undefined && major > Math.max(...knownMajors);
  if (since !== undefined || (isNewer && group.startsWith("pg_"))) return undefined;
  const choices = [...ours, ...predefined.keys()];
  const close = nearest(group, choices);
  return {
    why: "It is neither the setting user, nor one of roles, nor a role that every cluster or PostgreSQL itself has.",
    fix: close === undefined ? `Use one of: ${choices.join(", ")}; or add it to roles.` : `Did you mean ${close}?`,
  };
}

/** PostgreSQL refuses the membership that closes a circle. Each circle is told once, from its first role. */
function cycleProblems(roles: CompleteArgs["roles"]): Problem[] {
  const groups = new Map(roles.map(({ name, memberOf }) => [name, memberOf]));
  const told = new Set<string>();
  const circle = (path: string[], visited: Set<string>): string[] | undefined => {
    for (const group of groups.get(path[path.length - 1] ?? "") ?? []) {
      if (group === path[0]) return [...path, group];
      if (visited.has(group)) continue;
      const found = circle([...path, group], visited.add(group));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return roles.flatMap(({ name }, index) => {
    const found = told.has(name) ? undefined : circle([name], new Set());
    for (const member of found ?? []) told.add(member);
    return when(found !== undefined, {
      setting: `roles.${index}.memberOf`,
      asked: found?.join(" -> ") ?? "",
      why: "A role cannot be a member of itself, not by way of others either.",
      fix: "Take one of these memberships out.",
    });
  });
}
