import { RunError } from "@pulumi/pulumi";
import { generatedKeys } from "../components/postgres/additions/files";
import type { Address, Tls } from "../components/postgres/endpoints";
import { readonlyUser } from "../components/postgres/names";
import { tlsModes } from "../components/postgres/tls/args";
import type { StackOutputs } from "./outputs";

/** What an app's pods may know of a cluster. */
export interface Cluster {
  /** Where reads and writes go. */
  primary: Address;
  /** Every pod, the primary last. */
  readOnly: Address[];
  database: string;
  user: string;
  tls: Tls;
}

/** Roles that every cluster has. */
const generated = Object.keys(generatedKeys({ superuserAccess: false }));

/** A stack without usable outputs. Pulumi shows the message alone, without a stack trace. */
class OutputsError extends RunError {
  constructor(stack: string, why: string, fix: string) {
    super(`No database can be had from stack ${stack}.\n${why}\nWhat to do: ${fix}`);
  }
}

const nameIt = "check its name, <organization>/kubernetes-postgres/<stack>";

/** The error of a stack that the backend does not give. */
export function unreadable(stack: string, error: unknown): RunError {
  const words = error instanceof Error ? error.message : `${error}`;
  return new OutputsError(
    stack,
    /unknown stack/.test(words) ? "There is no such stack in the backend of this one." : words,
    `${nameIt}, and the backend (pulumi whoami -v); "pulumi stack ls --all" lists what is there.`,
  );
}

/**
 * The cluster that a stack's outputs tell of.
 * @param stack name of the stack, for messages.
 * @throws RunError when they are not, or not yet, those of a cluster.
 */
export function clusterOf(
  stack: string,
  { primary, endpoints, database, user, tls }: Partial<Record<keyof StackOutputs, unknown>>,
): Cluster {
  if (isAddress(primary) && isAddresses(endpoints) && isText(database) && isText(user)) {
    return { primary, readOnly: [...endpoints].reverse(), database, user, tls: tlsOf(tls) };
  }
  const isEmpty = [primary, endpoints, database, user].every((value) => value === undefined);
  throw new OutputsError(
    stack,
    isEmpty
      ? "It has no outputs of a PostgreSQL cluster: it is not deployed, or it is a stack of another project."
      : "Its outputs are not those of a PostgreSQL cluster: primary, endpoints, database and user are needed.",
    `${nameIt}, and deploy it first (pulumi up).`,
  );
}

/**
 * The database that an app connects to.
 * @throws RunError where pg_hba.conf rejects the role for it.
 */
export function databaseOf(stack: string, { database }: Cluster, role: string | undefined, asked = database): string {
  if (role !== readonlyUser || asked === database) return asked;
  throw new OutputsError(
    stack,
    `Role ${role} may connect to database ${database} only, not to ${asked}.`,
    `leave database out; for ${asked} use a role of the setting roles.`,
  );
}

/**
 * A role's password in the stack's output `passwords`.
 * @throws RunError when there is none.
 */
export function passwordOf(stack: string, role: string, passwords: unknown): string {
  if (typeof passwords !== "object" || passwords === null) {
    throw new OutputsError(
      stack,
      "Its output passwords is missing: an earlier version deployed it, or its secrets cannot be decrypted here.",
      "deploy it again with this version, and give both stacks the same passphrase or secrets provider.",
    );
  }
  const password: unknown = Object.entries(passwords).find(([name]) => name === role)?.[1];
  if (isText(password)) return password;
  throw new OutputsError(
    stack,
    `It has no role ${role}, but ${Object.keys(passwords).join(", ")}.`,
    generated.includes(role)
      ? "deploy it again with this version: every cluster has this role from 0.4.0 on."
      : `use one of these, or add "- name: ${role}" to its setting roles and deploy it.`,
  );
}

/** A stack that was deployed by 0.3.0 or earlier has none. */
function tlsOf(tls: unknown): Tls {
  if (typeof tls !== "object" || tls === null || !("mode" in tls)) return { mode: "off" };
  const mode = tlsModes.find((known) => known === tls.mode) ?? "off";
  return "caCertificate" in tls && isText(tls.caCertificate) ? { mode, caCertificate: tls.caCertificate } : { mode };
}

const isText = (value: unknown): value is string => typeof value === "string";

function isAddress(value: unknown): value is Address {
  return (
    typeof value === "object" &&
    value !== null &&
    "host" in value &&
    typeof value.host === "string" &&
    "port" in value &&
    typeof value.port === "number"
  );
}

function isAddresses(value: unknown): value is Address[] {
  return Array.isArray(value) && value.length > 0 && value.every(isAddress);
}
