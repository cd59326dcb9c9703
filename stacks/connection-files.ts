import { type Address, connectionUri, type Tls } from "../components/postgres/endpoints";

/** Who connects to which database, and where. */
export interface Connection {
  user: string;
  password: string;
  database: string;
  /** Where reads and writes go. */
  primary: Address;
  /** Where reads go: the first that is a replica and answers. */
  readOnly: Address[];
  tls: Tls;
  /** Folder of the files, where they are read. */
  folder: string;
}

/** Sections of the service file; `PGSERVICE`, or `service=` in a connection string, chooses one. */
export const services = { primary: "primary", replicas: "replicas" };

/** Seconds until the next address is tried; without a limit an address that is gone holds a client for two minutes. */
const connectTimeout = 5;

/** File with the authority that the servers are verified by. */
const caFile = "ca.crt";

/** libpq's `sslmode` for these servers: verified where their authority is known. */
export function sslModeOf({ mode, caCertificate }: Tls): "prefer" | "require" | "verify-full" {
  if (mode === "off") return "prefer";
  return caCertificate === undefined ? "require" : "verify-full";
}

/** Where the authority's file is read. */
export const caPath = (folder: string): string => `${folder}/${caFile}`;

/** Options of libpq, and of the drivers that have them from it. Nothing where connections are not encrypted. */
function sslOptions({ tls, folder }: Connection): Record<string, string> {
  if (tls.mode === "off") return {};
  return { sslmode: sslModeOf(tls), ...(tls.caCertificate !== undefined && { sslrootcert: caPath(folder) }) };
}

/**
 * The files that an app finds in its volume, by name: each value on its own under the names that charts and operators
 * use, and `pg_service.conf` with all of them, for libpq and the drivers that are built on it.
 */
export function connectionFiles(connection: Connection): Record<string, string> {
  const { user, password, database, primary, readOnly, tls } = connection;
  const login = { user, password, database };
  const ssl = sslOptions(connection);
  const hosts = readOnly.map(({ host }) => host).join();
  const ports = readOnly.map(({ port }) => port).join();
  const preferReplica = { target_session_attrs: "prefer-standby" };
  return {
    username: user,
    password,
    dbname: database,
    host: primary.host,
    port: `${primary.port}`,
    uri: connectionUri(login, [primary], ssl),
    "jdbc-uri": jdbcUri(login, primary, ssl),
    "read-only-host": hosts,
    "read-only-uri": connectionUri(login, readOnly, { ...ssl, ...preferReplica }),
    pgpass: [primary, ...readOnly].map((address) => passwordLine(login, address)).join(""),
    "pg_service.conf":
      section(services.primary, { host: primary.host, port: `${primary.port}`, ...libpqLogin(login), ...ssl }) +
      section(services.replicas, { host: hosts, port: ports, ...libpqLogin(login), ...ssl, ...preferReplica }),
    ...(tls.mode !== "off" && tls.caCertificate !== undefined && { [caFile]: tls.caCertificate }),
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
function jdbcUri({ user, password, database }: Login, { host, port }: Address, ssl: Record<string, string>): string {
  const encode = encodeURIComponent;
  const options = Object.entries({ user, password, ...ssl }).map(([option, value]) => `${option}=${encode(value)}`);
  return `jdbc:postgresql://${host}:${port}/${encode(database)}?${options.join("&")}`;
}
