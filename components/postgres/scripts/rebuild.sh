#!/usr/bin/env bash
# Ordinal 0 has an empty volume. That is normal once in a cluster's life; at any other time an empty database under the
# primary's name would be the loss of the real one, so a person has to say from which replica it is built again.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh and peers.sh

# refuse_or_rebuild: returns when the cluster may be initialised, or when PGDATA was rebuilt from a replica
refuse_or_rebuild() {
  local source='' what
  if [[ -r $CONFIG_DIR/recover-primary-from ]]; then
    read -r source <"$CONFIG_DIR/recover-primary-from"
    if [[ -n $source && ! $source =~ ^[1-9][0-9]*$ ]]; then
      die "recover-primary-from must be the ordinal of a replica (1, 2, ...), not $source"
    fi
  fi
  ask_all_peers
  # With ordered start no replica runs before this pod counts as ready, and only they can tell what was lost.
  if [[ -n $source || -e $LATCH_DIR/initialized ]]; then await_peers; fi
  if [[ -n $source ]]; then
    rebuild "$source"
  elif ((${#peers[@]})); then
    what="the volume of $POD_NAME is empty, but replicas hold this cluster's data: an empty database would replace it, so nothing was made"
    if [[ -z $best ]]; then
      die "$what" "$STATEFULSET-${peers[0]} answers but does not tell its position: see its log"
    fi
    what_is_missing
    die "$what" "the most advanced replica is $STATEFULSET-$best (timeline $best_timeline, WAL position $best_lsn)" \
      "${missing[@]}" "to build the primary again from it, set recoverPrimaryFrom to $best and run the program again"
  elif [[ -e $LATCH_DIR/initialized ]]; then
    die "the volume of $POD_NAME is empty, but this cluster was ready before, and no replica answers: nothing was made" \
      "start the replicas, or bring the volume back, or restore a backup into it; then delete this pod" \
      "only if all data is really meant to be gone: delete the ConfigMap $STATEFULSET-latch, then this pod"
  fi
}

# ask_all_peers: sets what ask_peers sets, and expected, the number of replicas there should be
ask_all_peers() {
  highest_peer
  expected=$REPLY
  # shellcheck disable=SC2046  # numbers
  ask_peers $(seq 1 "$expected" 9>&-)
}

# await_peers: until every replica tells its position, for as long as PEER_PATIENCE
await_peers() {
  local waited=0
  while ((${#untold[@]} && waited < PEER_PATIENCE)); do
    if ((waited % 10 == 0)); then
      say "the volume is empty although this cluster was ready before: $((expected - ${#untold[@]})) of $expected replicas tell what they hold, waiting for the others"
    fi
    : >"$HOLDING"
    waited=$((waited + 1))
    pause 1
    ask_all_peers
  done
  rm -f "$HOLDING" 9>&-
}

# what_is_missing: sets missing to words about the replicas that did not tell what they hold and may have more than those
# that did: commits that a client was told of, for ever lost if the primary were built without them. Empty where none is
# missing, or where a person has said that it may be. The number of synchronous replicas proves nothing: the settings
# may say another one now than when the commits were acknowledged.
what_is_missing() {
  local ordinal said='' accepted names=''
  missing=()
  ((${#untold[@]})) || return 0
  for ordinal in "${untold[@]}"; do names+=${names:+, }$STATEFULSET-$ordinal; done
  # With the position, or it would hold for the next loss as well.
  printf -v accepted '%s,' "${untold[@]}"
  accepted=${accepted%,}@$best_lsn
  if [[ -r $CONFIG_DIR/recover-without ]]; then read -r said <"$CONFIG_DIR/recover-without"; fi
  if [[ $said == "$accepted" ]]; then
    say "going without $names, as recover-without says"
    return 0
  fi
  missing=("$names did not tell what it holds, which may be more: start it, and this pod asks again by itself"
    "only if it cannot be started: leave it out, by lowering replicas where it has the highest ordinal (its volume stays), or by: kubectl patch configmap $STATEFULSET-config -p '{\"data\":{\"recover-without\":\"$accepted\"}}'")
}

# rebuild ORDINAL: clone, promote, and only then make it PGDATA
rebuild() {
  local host
  # shellcheck disable=SC2059  # the pattern is a format
  printf -v host "$PEER_HOST_PATTERN" "$1"
  if [[ " ${peers[*]} " != *" $1 "* || -z $best ]]; then
    die "recoverPrimaryFrom names $STATEFULSET-$1, but that does not answer, or not with its position: see its log; nothing was made"
  fi
  if [[ $best != "$1" ]] && ! same_position "$best" "$1"; then
    die "recoverPrimaryFrom names $STATEFULSET-$1, but $STATEFULSET-$best has more (timeline $best_timeline, WAL position $best_lsn)" \
      "set recoverPrimaryFrom to $best; only if the data of $STATEFULSET-$best is not wanted, delete its claim and then the pod"
  fi
  what_is_missing
  if ((${#missing[@]})); then
    die "the primary is not built from $STATEFULSET-$1 (timeline $best_timeline, WAL position $best_lsn) yet: a commit may be missing there; nothing was made" "${missing[@]}"
  fi
  say "building the primary again from $STATEFULSET-$1"
  discard_build
  copy_from "$host" || {
    mapfile -t <"$RUN_DIR/clone.log"
    last 3
    die "could not copy $STATEFULSET-$1:" "${MAPFILE[@]}"
  }
  : >"$BUILD/standby.signal"
  promote_build "$host"
  role_options=()
  publish
  say "the primary is built again from $STATEFULSET-$1; the other replicas follow it"
}

# same_position ORDINAL ORDINAL: both answered the same
same_position() { [[ $(<"$RUN_DIR/peer.$1") == $(<"$RUN_DIR/peer.$2") ]]; }

# promote_build HOST: a new timeline, or replicas that are ahead would go on as if nothing had happened; on the socket only,
# so nobody writes before it is in place
promote_build() {
  local ordinal waited=0
  # Not where the probes look: this server is nobody's primary yet.
  sockets=$RUN_DIR/rebuild
  mkdir -p "$sockets" 9>&-
  local -a options=(-D "$BUILD" -c "config_file=$ACTIVE_CONFIG/postgresql.conf" -c "hba_file=$ACTIVE_CONFIG/pg_hba.conf"
    -c "ident_file=$ACTIVE_CONFIG/pg_ident.conf" -c "unix_socket_directories=$sockets" -c "port=$PGPORT"
    -c ssl=off -c listen_addresses= -c hot_standby=on -c archive_mode=off -c synchronous_standby_names= -c primary_slot_name=
    # A copy of a standby ends where its pages were last written; the rest of the WAL comes from it directly.
    -c "primary_conninfo=$(conninfo "$1" replication "$POD_NAME-rebuild")")
  role_options=()
  adopt_config "$BUILD" || die "there are no valid settings to start with; the reason is in the line above"
  replica_limits "$BUILD"
  "$PG_BIN/postgres" "${options[@]}" "${role_options[@]}" &
  server=$!
  # The last record may be there in part only and is then never replayed; what was received is, before the promotion.
  until [[ $(local_sql "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= '$best_lsn'" 2>/dev/null) == t ]]; do
    if ((stopping)) || ! kill -0 "$server" 2>/dev/null; then break; fi
    if ((waited && waited % 50 == 0)); then say "waiting for the rest of the WAL of $1, up to $best_lsn"; fi
    waited=$((waited + 1))
    pause_beside_server
  done
  # Slots are not part of a copy; with them no replica can miss WAL before it has asked for its own.
  local_sql "SELECT pg_promote(true, 300)" >"$RUN_DIR/promote.log" 2>&1
  for ordinal in "${peers[@]}"; do
    local_sql "SELECT pg_create_physical_replication_slot('replica_$ordinal', true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'replica_$ordinal')" >>"$RUN_DIR/promote.log" 2>&1
  done
  local_sql "CHECKPOINT" >>"$RUN_DIR/promote.log" 2>&1
  while kill -0 "$server" 2>/dev/null; do
    kill -s INT "$server" 2>/dev/null
    pause_beside_server
  done
  server=0
  if ((stopping)); then leave; fi
  if [[ -e $BUILD/standby.signal ]] || ! control "Database cluster state" "$BUILD" || [[ $REPLY != "shut down" ]]; then
    mapfile -t <"$RUN_DIR/promote.log"
    die "could not promote the copy; nothing was changed:" "${MAPFILE[@]}"
  fi
}

# local_sql SQL: as the superuser of the server that is being promoted
local_sql() {
  PGOPTIONS="$SAFE -c synchronous_commit=local" timeout 310 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$sockets" -U postgres -d postgres -c "$1" 9>&- &
  wait $!
}

pause_beside_server() {
  sleep 0.2 9>&- &
  wait $!
}
