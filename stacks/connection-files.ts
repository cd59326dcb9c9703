import { type Address, connectionUri } from "../components/postgres/endpoints";

/** Who connects to which database, and where. */
export interface Connection {
  user: string;
  password: string;
  database: string;
  /** Where reads and writes go. */
  primary: Address;
  /** Where reads go: the first that is a replica and answers. */
  readOnly: Address[];
}

/** Sections of the service file; `PGSERVICE`, or `service=` in a connection string, chooses one. */
export const services = { primary: "primary", replicas: "replicas" };

/** Seconds until the next address is tried; without a limit an address that is gone holds a client for two minutes. */
const connectTimeout = 5;

/**
 * The files that an app finds in its volume, by name: each value on its own under the names that charts and operators
 * use, and `pg_service.conf` with all of them, for libpq and the drivers that are built on it.
 */
export function connectionFiles({ user, password, database, primary, readOnly }: Connection): Record<string, string> {
  const login = { user, password, database };
  const hosts = readOnly.map(({ host }) => host).join();
  const ports = readOnly.map(({ port }) => port).join();
  const preferReplica = { target_session_attrs: "prefer-standby" };
  return {
    username: user,
    password,
    dbname: database,
    host: primary.host,
    port: `${primary.port}`,
    uri: connectionUri(login, [primary]),
    "jdbc-uri": jdbcUri(login, primary),
    "read-only-host": hosts,
    "read-only-uri": connectionUri(login, readOnly, preferReplica),
    pgpass: [primary, ...readOnly].map((address) => passwordLine(login, address)).join(""),
    "pg_service.conf":
      section(services.primary, { host: primary.host, port: `${primary.port}`, ...libpqLogin(login) }) +
      section(services.replicas, { host: hosts, port: ports, ...libpqLogin(login), ...preferReplica }),
  };
}

interface Login {
  user: string;
  password: string;
  database: string;
}

const libpqLogin = ({ user, password, database }: Login): Record<string, string> => ({
  dbname: database,
  user,
  password,
  connect_timeout: `${connectTimeout}`,
});

/** https://www.postgresql.org/docs/current/libpq-pgservice.html: a value is the rest of its line, nothing is quoted. */
function section(name: string, options: Record<string, string>): string {
  const lines = Object.entries(options).map(([option, value]) => `${option}=${value}\n`);
  return `[${name}]\n${lines.join("")}`;
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html */
function passwordLine({ user, password, database }: Login, { host, port }: Address): string {
  const escaped = (field: string): string => field.replace(/[\\:]/g, "\\$&");
  return `${[host, `${port}`, database, user, password].map(escaped).join(":")}\n`;
}

/** https://jdbc.postgresql.org/documentation/use/: what a URL does not allow is percent-encoded. */
function jdbcUri({ user, password, database }: Login, { host, port }: Address): string {
  const encode = encodeURIComponent;
  return `jdbc:postgresql://${host}:${port}/${encode(database)}?user=${encode(user)}&password=${encode(password)}`;
}
