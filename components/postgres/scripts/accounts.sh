#!/usr/bin/env bash
# Makes the primary's database, roles and passwords what the settings say, whether the volume is new, was made by
# something else, or outlived its Secret (removing and creating a stack makes new passwords while the data stays).

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/passwords.sh
. "$here/passwords.sh"
PG_BIN=$RUN_DIR/bin
work=$RUN_DIR/accounts

ensure_accounts() {
  as_superuser postgres -v "user=$POSTGRES_USER" -v "database=$POSTGRES_DB" -v "replicator=$REPLICATION_USER" >/dev/null <<'END'
SELECT format('CREATE ROLE %I LOGIN', :'user') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
SELECT format('CREATE ROLE %I LOGIN REPLICATION', :'replicator')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'replicator') \gexec
SELECT format('GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO %I', :'replicator')
  WHERE NOT has_function_privilege(:'replicator', 'pg_ls_waldir()', 'EXECUTE') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
END
}

# ensure_password ROLE DATABASE KEY
ensure_password() {
  local status new=''
  # A new role has none, and a try would only put an error into the server's log.
  if [[ -e $NEW_CLUSTER ]]; then new=new; fi
  apply_password "$1" "$2" "$3" "$new"
  status=$?
  # What goes wrong is tried again every few seconds, and said once.
  if [[ -n $REPLY && $REPLY != "$(cat "$work.said.$1" 2>/dev/null)" ]]; then say "$REPLY"; fi
  if ((status)); then printf '%s\n' "$REPLY" >"$work.said.$1"; else rm -f "$work.said.$1"; fi
  return "$status"
}

ensure_accounts 2>"$work.log" || {
  mapfile -t <"$work.log"
  last 2
  printf 'could not check roles and database: %s\n' "${MAPFILE[*]}" >"$work.said"
  say "$(<"$work.said")"
  exit 1
}
rm -f "$work.said"
ensure_password "$REPLICATION_USER" postgres REPLICATION_PASSWORD
first=$?
ensure_password "$POSTGRES_USER" "$POSTGRES_DB" POSTGRES_PASSWORD && exit "$first"
