#!/usr/bin/env bash
# What the other pods hold. Asked by ordinal 0, which must never begin anew, or go on with an older copy of its volume,
# while a replica has more.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh, and ones that the callers read

# ask_peer ORDINAL: prints "system identifier|position|timeline|standby (t or f)|replaying (t or f)", or "silent" for one
# that answers but not this; nothing for one that is not there. A replica that still replays its own WAL after a start
# has more than its position says; once it is through, it has asked for more WAL, whether somebody answers or not.
ask_peer() {
  local host
  # shellcheck disable=SC2059  # the pattern is a format
  printf -v host "$PEER_HOST_PATTERN" "$1"
  # The outer limit is for the name's resolution, which pg_isready does not limit.
  timeout 10 "$PG_BIN/pg_isready" -q -U "$REPLICATION_USER" -d postgres -h "$host" -p "$PRIMARY_PORT" -t 3 2>/dev/null
  (($? <= 1)) || return 0
  PGOPTIONS="$SAFE -c statement_timeout=5s" timeout 10 "$PG_BIN/psql" -XAtqw -d "$(conninfo "$host" postgres "$POD_NAME-check")" -c "
    SELECT s.system_identifier,
      CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END,
      greatest(c.timeline_id, r.min_recovery_end_timeline), pg_is_in_recovery(),
      pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NULL
    FROM pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r" 2>/dev/null || echo silent
}

# highest_peer: sets REPLY to the highest ordinal there is; a file of the ConfigMap, for as a part of the pod it would
# restart all of them when the cluster is scaled
highest_peer() {
  local replicas=''
  if [[ -r $CONFIG_DIR/replicas ]]; then read -r replicas <"$CONFIG_DIR/replicas"; fi
  REPLY=$((${replicas:-10} - 1))
}

# ask_peers ORDINAL...: asks all at once; sets peers (the ordinals that answer), untold (those that did not tell their
# last position) and best (the most advanced of those that told any), with best_lsn, best_timeline and best_id; with
# standbys_only=t, a promoted one is left out
ask_peers() {
  local ordinal position id lsn timeline standby replaying
  local -a asked=()
  peers=() untold=() best='' best_lsn='' best_timeline=0 best_id='' best_position=-1
  for ordinal in "$@"; do
    ask_peer "$ordinal" >"$RUN_DIR/peer.$ordinal" 9>&- &
    asked+=($!)
  done
  # Each has an own limit of time; asked to stop, we need not wait for them.
  for child in "${asked[@]}"; do
    wait "$child"
    if ((stopping)); then child=0 && leave; fi
  done
  child=0
  for ordinal in "$@"; do
    IFS='|' read -r id lsn timeline standby replaying <"$RUN_DIR/peer.$ordinal"
    if [[ -z $id || $id == silent || $replaying == t ]]; then untold+=("$ordinal"); fi
    if [[ -n $id ]]; then peers+=("$ordinal"); fi
    if [[ -z $id || $id == silent || ${standbys_only:-f}$standby == tf ]]; then continue; fi
    lsn_number "$lsn"
    position=$REPLY
    if ((timeline > best_timeline || (timeline == best_timeline && position > best_position))); then
      best=$ordinal best_lsn=$lsn best_timeline=$timeline best_id=$id best_position=$position
    fi
  done
}
