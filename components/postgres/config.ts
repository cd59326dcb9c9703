import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { additionFiles } from "./additions/files";
import { pgHba, quoted } from "./hba";
import type { ClusterSpec } from "./spec";
import { isTlsOn } from "./tls/args";
import { tlsFile } from "./tls/certificate";

const scriptsDirectory = join(__dirname, "scripts");

let read: Record<string, string> | undefined;

/** The scripts that run in the pods, by file name: the data of the scripts ConfigMap. Read once for all clusters. */
export function scripts(): Record<string, string> {
  read ??= readScripts();
  return read;
}

function readScripts(): Record<string, string> {
  const names = readdirSync(scriptsDirectory).filter((file) => file.endsWith(".sh"));
  return Object.fromEntries(names.sort().map((file) => [file, readFileSync(join(scriptsDirectory, file), "utf8")]));
}

/** Lets the pod's user connect on the socket as the superuser and as the app's role (`psql -U appuser` in the pod). */
export function pgIdent(user: string): string {
  return `# MAP  SYSTEM-USERNAME  PG-USERNAME
pod    postgres         postgres
pod    postgres         ${quoted(user)}
`;
}

/**
 * Data of the ConfigMap with the settings. Mounted as files, so that a change reaches running pods; only the two names are
 * environment variables, too.
 */
export function configData(spec: ClusterSpec): Record<string, string> {
  return {
    POSTGRES_DB: spec.database,
    POSTGRES_USER: spec.user,
    replicas: `${spec.replicas}\n`,
    "postgresql.conf": spec.postgresqlConf,
    "pg_hba.conf": pgHba({ ...spec, type: isTlsOn(spec.tls) ? "hostssl" : "host" }),
    "pg_ident.conf": pgIdent(spec.user),
    tls: tlsFile(spec),
    ...additionFiles(spec),
    ...(spec.recoverPrimaryFrom !== undefined && { "recover-primary-from": `${spec.recoverPrimaryFrom}\n` }),
  };
}
