import type { Address, Endpoint, Tls } from "../components/postgres/endpoints";

export type { Address, Endpoint, Role, Tls } from "../components/postgres/endpoints";

/**
 * The outputs of a stack, the same for every engine. App stacks read them through a StackReference.
 * `databaseFrom` (database-from.ts) does so for them. `passwords` and the two URIs are secrets.
 */
export interface StackOutputs {
  /** Every pod, by ordinal. */
  endpoints: Endpoint[];
  /** The read-write Service. */
  primary: Address;
  /** The endpoints that only answer reads. */
  replicas: Endpoint[];
  /** Name of the headless Service. */
  service: string;
  namespace: string;
  database: string;
  user: string;
  /**
   * Secret with `POSTGRES_PASSWORD` (of `user`), `REPLICATION_PASSWORD`, `READONLY_PASSWORD`, `MONITORING_PASSWORD`,
   * `PASSWORD_<name>` of each of `roles`, and with `superuserAccess` `SUPERUSER_PASSWORD`.
   */
  secretName: string;
  /** How connections are encrypted, and how clients verify the servers. Stacks of 0.3.0 and earlier have none: `off`. */
  tls: Tls;
  storageClassName: string;
  /** Passwords of `user`, `readonly`, `monitoring`, each of `roles`, and with `superuserAccess` of `postgres`, by role. Secret. */
  passwords: Record<string, string>;
  /** libpq URI of the primary, with the password. Secret. */
  connectionUri: string;
  /** libpq URI of all pods that prefers a replica, with the password. Secret. */
  readOnlyUri: string;
  /** What was made and how to connect, as Markdown; Pulumi's console shows it as the stack's README. */
  readme: string;
}
