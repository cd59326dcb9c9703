#!/usr/bin/env bash
# How every other ordinal gets its data, and the options that make its server follow the primary. Options instead of a
# file in PGDATA: the command line beats postgresql.auto.conf, so nothing stale or inherited can point elsewhere.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh, and ones that supervisor.sh reads

prepare_replica() {
  has_cluster || clone
  # Without this file a copy of the primary would come up as a second primary.
  if [[ ! -e $PGDATA/standby.signal ]]; then
    : >"$PGDATA/standby.signal" || die "cannot write to $PGDATA"
    run sync "$PGDATA/standby.signal" "$PGDATA" 2>/dev/null || run sync
  fi
  role_options=(
    -c "primary_conninfo=$(conninfo "$PRIMARY_HOST" replication "$POD_NAME")"
    -c "primary_slot_name=$SLOT"
  )
}

# wait_for_primary: as long as it takes; says so every 10 seconds
wait_for_primary() {
  local tried=0
  until run "$PG_BIN/pg_isready" -q -h "$PRIMARY_HOST" -p "$PRIMARY_PORT" -t 3 2>/dev/null 9>&-; do
    if ((tried % 50 == 0)); then say "waiting for the primary at $PRIMARY_HOST:$PRIMARY_PORT"; fi
    tried=$((tried + 1))
    pause 0.2
  done
}

# ask_primary SQL: prints the answer; for the replication role, within seconds or not at all
ask_primary() {
  PGOPTIONS='-c statement_timeout=10s' timeout 15 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 \
    -d "$(conninfo "$PRIMARY_HOST" postgres "$POD_NAME-check")" -c "$1" 9>&-
}

# make_slot: WAL is kept for this replica from now on; a slot that exists is fine, one that lost its WAL is not
make_slot() {
  run ask_primary "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = '$SLOT' AND NOT active AND wal_status = 'lost'" >/dev/null &&
    run ask_primary "SELECT pg_create_physical_replication_slot('$SLOT', true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$SLOT')" >/dev/null
}

# clone: a base backup made beside PGDATA and renamed when complete; tried until it succeeds
clone() {
  local attempt=0 last
  while :; do
    wait_for_primary
    discard_build
    if make_slot 2>"$RUN_DIR/clone.log"; then
      say "cloning the primary"
      if copy_primary; then break; fi
    fi
    mapfile -t <"$RUN_DIR/clone.log"
    last=${MAPFILE[*]: -2}
    attempt=$((attempt + 1))
    say "the clone did not succeed (attempt $attempt), trying again: ${last:-no message}"
    pause $((attempt < 10 ? attempt : 10))
    refresh_passfile
  done
  : >"$BUILD/standby.signal" || die "cannot write to $BUILD"
  publish
  say "the clone is complete"
}

# copy_primary: pg_basebackup, with a word of progress every 10 seconds
copy_primary() {
  local status said=$EPOCHSECONDS
  "$PG_BIN/pg_basebackup" -d "$(conninfo "$PRIMARY_HOST" replication "$POD_NAME-clone")" -D "$BUILD" \
    -X stream -S "$SLOT" -c fast --progress -w >"$RUN_DIR/clone.log" 2>&1 &
  child=$!
  if ((stopping)); then kill "$child" 2>/dev/null; fi
  while kill -0 "$child" 2>/dev/null; do
    sleep 1 9>&- &
    wait -n "$child" $! 2>/dev/null
    if ((!stopping && EPOCHSECONDS - said >= 10)); then
      said=$EPOCHSECONDS
      say "cloning: $(tr '\r' '\n' <"$RUN_DIR/clone.log" 9>&- | tail -n 1)"
    fi
  done
  wait "$child"
  status=$?
  child=0
  if ((stopping)); then leave; fi
  return "$status"
}

# replica_limits: a standby needs at least what its primary had when it wrote the WAL that is replayed now; with less it
# refuses to start, and a rollout that begins with the replicas could never reach the primary
replica_limits() {
  local name field configured
  ((ORDINAL > 0)) || return 0
  while read -r name field; do
    control "$field setting" || continue
    configured=$("$PG_BIN/postgres" -C "$name" -D "$PGDATA" -c "config_file=$ACTIVE_CONFIG/postgresql.conf" 2>/dev/null 9>&-)
    if [[ $REPLY =~ ^[0-9]+$ && $configured =~ ^[0-9]+$ ]] && ((REPLY > configured)); then
      say "$name is $configured but the primary's WAL needs $REPLY: using $REPLY until the primary has written the change"
      role_options+=(-c "$name=$REPLY")
    fi
  done <<'END'
max_connections max_connections
max_worker_processes max_worker_processes
max_wal_senders max_wal_senders
max_prepared_transactions max_prepared_xacts
max_locks_per_transaction max_locks_per_xact
END
}
