#!/usr/bin/env bash
# How ordinal 0 gets its data the first time: everything is made beside PGDATA and renamed when complete, so a kill at
# any moment leaves either nothing or a whole cluster, never one that answers and lacks its database.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh, and ones that supervisor.sh reads

# identifier TEXT and literal TEXT: set REPLY to the text quoted for SQL
identifier() { REPLY=\"${1//\"/\"\"}\"; }
literal() { REPLY=\'${1//\'/\'\'}\'; }

prepare_primary() {
  role_options=()
  if has_cluster; then
    if [[ -e $PGDATA/standby.signal ]]; then
      say "this data directory has a standby.signal although ordinal 0 is the primary: it will only read until it is promoted"
    fi
    return
  fi
  refuse_or_rebuild
  has_cluster || initialise
}

initialise() {
  local user user_text database database_text
  case $POSTGRES_USER in
  postgres | "$REPLICATION_USER" | "$READONLY_USER" | "$MONITORING_USER")
    die "the application's role cannot be called $POSTGRES_USER: that name is the cluster's own; choose another (setting: user)"
    ;;
  esac
  say "empty volume: initialising a new cluster"
  discard_build
  # Nobody is trusted; no password goes through here: the roles get theirs when the server runs, before the pod is ready.
  run "$PG_BIN/initdb" -D "$BUILD" -U postgres --data-checksums --encoding=UTF8 --locale=C.UTF-8 \
    --text-search-config=english --auth-local=peer --auth-host=scram-sha-256 --no-sync --no-instructions \
    >"$RUN_DIR/initdb.log" 2>&1 || {
    mapfile -t <"$RUN_DIR/initdb.log"
    last 8
    if [[ ${MAPFILE[*]} == *"effective user ID"* ]]; then
      MAPFILE+=("the image has no user with this number; use one it has (setting: runAsUser; 999 in the official image)")
    fi
    die "initdb failed:" "${MAPFILE[@]}"
  }
  # As from PostgreSQL 15 on: only a database's owner makes things in its schema public. New databases are copies of template1.
  local -a close_public=("ALTER SCHEMA public OWNER TO pg_database_owner" "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
  printf '%s\n' "${close_public[@]}" >"$RUN_DIR/initialise.sql"
  single_user template1 >"$RUN_DIR/initialise.log"
  identifier "$POSTGRES_USER" && user=$REPLY
  literal "$POSTGRES_USER" && user_text=$REPLY
  identifier "$POSTGRES_DB" && database=$REPLY
  literal "$POSTGRES_DB" && database_text=$REPLY
  {
    printf '%s\n' "${close_public[@]}" "CREATE ROLE $user LOGIN" "CREATE ROLE $REPLICATION_USER LOGIN REPLICATION" \
      "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO $REPLICATION_USER"
    if [[ $POSTGRES_DB == postgres ]]; then
      printf '%s\n' "ALTER DATABASE postgres OWNER TO $user"
    else
      # The app's database is not everybody's: roles get what they need, see additions.sh.
      printf '%s\n' "CREATE DATABASE $database OWNER $user" "REVOKE ALL ON DATABASE $database FROM PUBLIC"
    fi
    printf '%s\n' "SELECT count(*) AS complete FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba, pg_roles r \
WHERE d.datname = $database_text AND o.rolname = $user_text AND r.rolname = '$REPLICATION_USER' AND r.rolreplication"
  } >"$RUN_DIR/initialise.sql"
  single_user postgres >>"$RUN_DIR/initialise.log"
  # Single-user mode exits with 0 whatever the SQL did.
  if [[ $(<"$RUN_DIR/initialise.log") != *'complete = "1"'* ]]; then
    mapfile -t < <(grep -E 'ERROR|FATAL|DETAIL|HINT' "$RUN_DIR/initialise.log")
    die "could not create role $POSTGRES_USER and database $POSTGRES_DB:" "${MAPFILE[@]}"
  fi
  printf '%s\n' "# Not read: the pod's settings are in the ConfigMap; the valid copy of them is in $ACTIVE_CONFIG." >"$BUILD/postgresql.conf"
  : >"$NEW_CLUSTER"
  publish
  say "the cluster is initialised: database $POSTGRES_DB, role $POSTGRES_USER"
}

# single_user DATABASE: runs the statements of initialise.sql, one a line, in what is being built; prints what the server says
single_user() {
  run "$PG_BIN/postgres" --single -D "$BUILD" -c fsync=off "$1" <"$RUN_DIR/initialise.sql" 2>&1
}
