#!/usr/bin/env bash
# Runs every few seconds on a replica. A replica that no longer follows answers as if nothing were wrong; so when it has
# been cut off for a while although the primary can be reached, status 3 has the server started again, through the
# decision whether its data may stay. What it knows from one run to the next is in a file.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/replica.sh
. "$here/replica.sh"
# shellcheck source=components/postgres/scripts/room.sh
. "$here/room.sh"
PG_BIN=$RUN_DIR/bin
export PGOPTIONS=$SAFE

keep_room || exit

# Seconds without replication, the primary being reachable, until the server is started again; doubles up to 10 minutes.
: "${HEAL_AFTER:=30}"
memory=$RUN_DIR/replica.check
state=unknown since=$EPOCHSECONDS seen_lsn='' tries=0 not_before=0
[[ ! -e $memory ]] || read -r state since seen_lsn tries not_before <"$memory"

# remember STATE WORDS: a change of state is one line of log
remember() {
  if [[ $1 != "$state" ]]; then
    if [[ $state != unknown || $1 != streaming ]]; then say "$2"; fi
    state=$1 since=$EPOCHSECONDS
  fi
  printf '%s\n' "$state $since $lsn $tries $not_before" >"$memory"
}

# limits_too_low: the primary's WAL asks for more than this server was started with, so replay has paused itself
limits_too_low() {
  local name field value
  while read -r name field value; do
    control "$field setting" && ((REPLY > value)) && return 0
  done < <(timeout 10 "$PG_BIN/psql" -XAtqw -F ' ' -h "$RUN_DIR" -U postgres -d postgres -c "SELECT name, CASE name
    WHEN 'max_prepared_transactions' THEN 'max_prepared_xacts' WHEN 'max_locks_per_transaction' THEN 'max_locks_per_xact'
    ELSE name END, setting FROM pg_settings WHERE name IN ('max_connections', 'max_worker_processes', 'max_wal_senders',
    'max_prepared_transactions', 'max_locks_per_transaction')")
  return 1
}

IFS='|' read -r receiver pause lsn < <(timeout 10 "$PG_BIN/psql" -XAtqw -h "$RUN_DIR" -U postgres -d postgres -c "SELECT
  coalesce((SELECT status FROM pg_stat_wal_receiver), 'none'), pg_get_wal_replay_pause_state(), pg_last_wal_replay_lsn()" 2>/dev/null) || exit 0

if [[ $pause == paused ]]; then
  if limits_too_low; then
    say "replay has paused: the primary's settings need a restart here (max_connections and its kind)"
    exit 3
  fi
  remember paused "replay is paused by pg_wal_replay_pause(); pg_wal_replay_resume() goes on"
elif [[ $receiver == streaming ]]; then
  tries=0 not_before=0
  remember streaming "streaming from the primary"
elif [[ $lsn != "$seen_lsn" ]]; then
  remember catching-up "not streaming; replaying what is here, at $lsn"
elif ! ask_primary "SELECT 1 WHERE NOT pg_is_in_recovery()" >/dev/null 2>&1; then
  remember waiting "not streaming: the primary cannot be reached; answering with the data of $lsn"
else
  remember cut-off "not streaming although the primary can be reached; answering with the data of $lsn"
  if ((EPOCHSECONDS - since >= HEAL_AFTER && EPOCHSECONDS >= not_before)); then
    tries=$((tries + 1))
    not_before=$((EPOCHSECONDS + HEAL_AFTER * (1 << (tries < 6 ? tries : 6))))
    remember cut-off ''
    say "not streaming for $((EPOCHSECONDS - since)) s: starting the server again to decide about its data (attempt $tries)"
    if ((tries > 3)); then
      say "if this goes on, the WAL of $POD_NAME does not continue the primary's: compare the two, then delete the claim of the one that is wrong, and its pod"
    fi
    exit 3
  fi
fi
exit 0
