#!/usr/bin/env bash
# Runs every few seconds on the primary: keeps some room in reserve for a volume that gets full, and drops the slots of
# replicas that were scaled away, for each keeps WAL until max_slot_wal_keep_size. Status 2 asks for a reload.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/room.sh
. "$here/room.sh"
PG_BIN=$RUN_DIR/bin

# Seconds that a replica may be away before its slot goes; it can still come back after that, by a new clone.
: "${SLOT_PATIENCE:=21600}"
export PGOPTIONS="$SAFE -c synchronous_commit=local -c default_transaction_read_only=off -c statement_timeout=60s"
own() { timeout 90 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$RUN_DIR" -U postgres -d postgres -c "$1"; }

# keep_slots: drops those of replicas that are away for long
keep_slots() {
  local slot host away
  while read -r slot; do
    # shellcheck disable=SC2059  # the pattern is a format
    printf -v host "$PEER_HOST_PATTERN" "${slot#replica_}"
    away=$RUN_DIR/away.$slot
    # The outer limit is for the name's resolution, which pg_isready does not limit.
    timeout 10 "$PG_BIN/pg_isready" -q -U "$REPLICATION_USER" -d postgres -h "$host" -p "$PRIMARY_PORT" -t 3 2>/dev/null
    if (($? <= 1)); then
      rm -f "$away"
    elif [[ ! -e $away ]]; then
      printf '%s\n' "$EPOCHSECONDS" >"$away"
    elif ((EPOCHSECONDS - $(<"$away") >= SLOT_PATIENCE)); then
      if [[ -n $(own "SELECT pg_drop_replication_slot(slot_name) IS NULL FROM pg_replication_slots WHERE slot_name = '$slot' AND NOT active" 2>/dev/null) ]]; then
        say "dropped the slot $slot: its replica was away for $SLOT_PATIENCE s"
      fi
      rm -f "$away"
    fi
  done < <(own "SELECT slot_name FROM pg_replication_slots WHERE slot_name ~ '^replica_[0-9]+\$' AND NOT active" 2>/dev/null)
}

# drop_idle_slots: in an emergency; their replicas clone again, which is better than a primary that cannot write. Fails
# when the server did not do it all, as while it is still recovering
drop_idle_slots() {
  local dropped
  dropped=$(own "SELECT slot_name, pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE slot_name ~ '^replica_[0-9]+\$' AND NOT active") || return
  if [[ -n $dropped ]]; then
    say "dropped slots that kept WAL for replicas that are away: ${dropped//[|$'\n']/ }"
    # What they had held back would else stay, for replicas or as spare segments (two are the least that PostgreSQL keeps).
    printf '%s\n' 'wal_keep_size = 0' 'min_wal_size = 32MB' 'max_wal_size = 32MB' >>"$EMERGENCY"
    # The checkpointer has to hear of it first.
    own "SELECT pg_reload_conf()" >/dev/null && own "SELECT pg_sleep(1)" || return
  fi
  own CHECKPOINT
}

if [[ -s $EMERGENCY && ! -e $RUN_DIR/emergency.slots ]]; then
  drop_idle_slots && : >"$RUN_DIR/emergency.slots"
fi
keep_room
room=$?
keep_slots
exit "$room"
