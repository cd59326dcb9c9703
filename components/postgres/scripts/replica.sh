#!/usr/bin/env bash
# How every other ordinal gets its data, and the options that make its server follow the primary. Options instead of a
# file in PGDATA: the command line beats postgresql.auto.conf, so nothing stale or inherited can point elsewhere.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh, and ones that supervisor.sh reads

prepare_replica() {
  diverged=0
  if has_cluster; then
    # What a replacement left, whichever step it was interrupted at.
    [[ ! -e $VOLUME/.pgdata.old ]] || run rm -rf -- "$VOLUME/.pgdata.old"
    follow_decision
  else
    clone
  fi
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

# follow_decision: goes on with the data that is here, replaces it, or leaves the choice to a person
follow_decision() {
  decide
  say "$reason"
  case $decision in
  clone) clone ;;
  refuse)
    die "$POD_NAME does not follow the primary, and nothing was changed: $reason" \
      "compare the data of both before anything is deleted; this pod's is untouched" \
      "if this replica is right: delete the claim and the pod of $STATEFULSET-0, and set recoverPrimaryFrom to $ORDINAL" \
      "if the primary is right: delete the claim of $POD_NAME and then the pod; it clones the primary"
    ;;
  esac
}

# wait_for_primary: as long as it takes; says so every 10 seconds
wait_for_primary() {
  local tried=0
  until run "$PG_BIN/pg_isready" -q -U "$REPLICATION_USER" -d postgres -h "$PRIMARY_HOST" -p "$PRIMARY_PORT" -t 3 2>/dev/null 9>&-; do
    if ((tried % 50 == 0)); then say "waiting for the primary at $PRIMARY_HOST:$PRIMARY_PORT"; fi
    tried=$((tried + 1))
    pause 0.2
  done
}

# ask_primary SQL: prints the answer; for the replication role, within seconds or not at all
ask_primary() {
  PGOPTIONS="$SAFE -c statement_timeout=10s" timeout 15 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 \
    -d "$(conninfo "$PRIMARY_HOST" postgres "$POD_NAME-check")" -c "$1" 9>&-
}

# ask_primary_history TIMELINE: prints the history file of a timeline
ask_primary_history() {
  timeout 15 "$PG_BIN/psql" -XAtqw -d "$(conninfo "$PRIMARY_HOST" replication "$POD_NAME-check") replication=true" \
    -c "TIMELINE_HISTORY $1" 9>&-
}

# make_slot: WAL is kept for this replica from now on; a slot that exists is fine, one that lost its WAL is not
make_slot() {
  run ask_primary "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = '$SLOT' AND NOT active AND coalesce(wal_status, 'lost') = 'lost'" >/dev/null &&
    run ask_primary "SELECT pg_create_physical_replication_slot('$SLOT', true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$SLOT')" >/dev/null
}

# clone: a base backup made beside PGDATA and renamed when complete; tried until it succeeds
clone() {
  local attempt=0 old=$VOLUME/.pgdata.old
  while :; do
    wait_for_primary
    discard_build
    make_room
    if make_slot 2>"$RUN_DIR/clone.log"; then
      say "cloning the primary"
      if copy_from "$PRIMARY_HOST" -S "$SLOT"; then break; fi
    fi
    mapfile -t <"$RUN_DIR/clone.log"
    attempt=$((attempt + 1))
    last 2
    say "the clone did not succeed (attempt $attempt), trying again: ${MAPFILE[*]}"
    pause $((attempt < 10 ? attempt : 10))
    refresh_passfile
  done
  : >"$BUILD/standby.signal" || die "cannot write to $BUILD"
  # What may be nowhere else is kept; a person removes it.
  if ((diverged)); then old=$VOLUME/pgdata.timeline-$local_timeline-${local_lsn//\//-}; fi
  # Between these two renames there is no PGDATA, and a kill then means another clone; never half of one.
  if has_cluster; then run mv -T -- "$PGDATA" "$old" || die "could not rename $PGDATA"; fi
  publish
  [[ ! -e $VOLUME/.pgdata.old ]] || run rm -rf -- "$VOLUME/.pgdata.old"
  if ((diverged)); then say "what the primary does not have is kept in $old: look at it, then remove it"; fi
  say "the clone is complete"
}

# make_room: the data that is replaced stays until the new copy is whole, if the volume has room for both
make_room() {
  local used
  [[ -e $PGDATA ]] || return 0
  volume_space
  read -r used _ < <(du -sk "$PGDATA" 9>&-)
  if ((free_kb < used + used / 10)); then
    if ((diverged)); then
      die "$POD_NAME has to be cloned, and its volume has no room to keep what it has beside the clone; nothing was changed: $reason" \
        "make the volume larger, or, where what it has is not wanted, delete the claim of $POD_NAME and then the pod"
    fi
    say "the volume has no room for two copies: removing the old one before cloning"
    run rm -rf -- "$PGDATA"
  fi
}

# copy_from HOST OPTION...: pg_basebackup into the build directory, with a word of progress every 10 seconds
copy_from() {
  local status host=$1 said=$EPOCHSECONDS
  shift
  "$PG_BIN/pg_basebackup" -d "$(conninfo "$host" replication "$POD_NAME-clone")" -D "$BUILD" \
    -X stream "$@" -c fast --progress -w >"$RUN_DIR/clone.log" 2>&1 &
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

# replica_limits DIRECTORY: a standby needs at least what its primary had when it wrote the WAL that is replayed now; with less it
# refuses to start, and a rollout that begins with the replicas could never reach the primary
replica_limits() {
  local name field configured
  while read -r name field; do
    control "$field setting" "$1" || continue
    configured=$("$PG_BIN/postgres" -C "$name" -D "$1" -c "config_file=$ACTIVE_CONFIG/postgresql.conf" 2>/dev/null 9>&-)
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
