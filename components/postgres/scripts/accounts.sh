#!/usr/bin/env bash
# Makes the primary's database, roles and passwords what the settings say, whether the volume is new, was made by
# something else, or outlived its Secret (removing and creating a stack makes new passwords while the data stays).
# The server is only ever sent a verifier that psql computes, so no log setting can show a password.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
PG_BIN=$RUN_DIR/bin

# Without a waiting standby a synchronous commit would hang; what is done here is repeated at the next start anyway.
export PGOPTIONS='-c synchronous_commit=local -c default_transaction_read_only=off -c statement_timeout=30s -c lock_timeout=10s'
export PGCONNECT_TIMEOUT=5

# as_superuser: psql on the pod's own socket, SQL from standard input; no terminal, so that \password reads it as well
as_superuser() {
  timeout 60 setsid "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$RUN_DIR" -U postgres -d postgres "$@"
}

ensure_accounts() {
  as_superuser -v "user=$POSTGRES_USER" -v "database=$POSTGRES_DB" -v "replicator=$REPLICATION_USER" >/dev/null <<'END'
SELECT format('CREATE ROLE %I LOGIN', :'user') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
SELECT format('CREATE ROLE %I LOGIN REPLICATION', :'replicator')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'replicator') \gexec
SELECT format('GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO %I', :'replicator')
  WHERE NOT has_function_privilege(:'replicator', 'pg_ls_waldir()', 'EXECUTE') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
END
}

# password_works ROLE DATABASE PASSWORD
password_works() {
  local passfile=$RUN_DIR/check.pgpass status
  write_passfile "$passfile" "$1" "$3" || return 1
  PGPASSFILE=$passfile timeout 15 "$PG_BIN/psql" -XAtqw -h "$SELF_HOST" -U "$1" -d "$2" -c '' >/dev/null 2>&1
  status=$?
  rm -f "$passfile"
  return "$status"
}

# set_password ROLE PASSWORD: \password turns it into a verifier before anything is sent
set_password() {
  local role=${1//\"/\"\"}
  printf '%s\n' "SET log_statement = 'none';" "SET log_min_duration_statement = -1;" "SET log_min_error_statement = 'panic';" \
    "SET password_encryption = 'scram-sha-256';" "\\password \"$role\"" "$2" "$2" | as_superuser >"$RUN_DIR/password.log" 2>&1
}

# apply_password ROLE DATABASE KEY
apply_password() {
  local password
  if ! secret "$3"; then
    say "the Secret has no usable $3: one line, not empty; the password of role $1 stays as it is"
    return 1
  fi
  password=$REPLY
  # A new role has none, and a try would only put an error into the server's log.
  if [[ ! -e $NEW_CLUSTER ]] && password_works "$1" "$2" "$password"; then return 0; fi
  if set_password "$1" "$password"; then
    say "applied the password of role $1"
  else
    say "could not apply the password of role $1: $(grep -E 'ERROR|FATAL|error:' "$RUN_DIR/password.log" | head -n 1)"
    return 1
  fi
}

ensure_accounts 2>"$RUN_DIR/accounts.log" || {
  mapfile -t <"$RUN_DIR/accounts.log"
  last 2
  say "could not check roles and database: ${MAPFILE[*]}"
  exit 1
}
apply_password "$REPLICATION_USER" postgres REPLICATION_PASSWORD
first=$?
apply_password "$POSTGRES_USER" "$POSTGRES_DB" POSTGRES_PASSWORD && exit "$first"
