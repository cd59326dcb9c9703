#!/usr/bin/env bash
# PID 1 of the pod. It exists because a postmaster that is PID 1 itself
#  - shares its data directory with the server of a force-deleted pod: here a lock on the volume comes before anything;
#  - takes the container with it when it dies, and Kubernetes waits 10, 20, 40 s to restart that: here 0.2 s;
#  - treats an orphan that some probe left behind as one of its own, and restarts all sessions: here bash reaps it;
#  - cannot see that a ConfigMap or a Secret changed: here that is looked at every second.

# Before anything else, for the kernel drops a signal that process 1 has no handler for: the pod would wait in vain for its
# end, for as long as Kubernetes waits for it.
stopping=0
trap 'stopping=1' TERM INT QUIT

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/config.sh
. "$here/config.sh"
# shellcheck source=components/postgres/scripts/tls.sh
. "$here/tls.sh"
# shellcheck source=components/postgres/scripts/tasks.sh
. "$here/tasks.sh"
# shellcheck source=components/postgres/scripts/peers.sh
. "$here/peers.sh"
# shellcheck source=components/postgres/scripts/decide.sh
. "$here/decide.sh"
# shellcheck source=components/postgres/scripts/rebuild.sh
. "$here/rebuild.sh"
# shellcheck source=components/postgres/scripts/room.sh
. "$here/room.sh"
# shellcheck source=components/postgres/scripts/initialise.sh
. "$here/initialise.sh"
# shellcheck source=components/postgres/scripts/replica.sh
. "$here/replica.sh"

# Servers that end before they ever accepted a connection, one after the other, until the pod is declared failed.
: "${START_LIMIT:=5}"
# Servers that did accept connections and then crashed, within CRASH_WINDOW seconds, until the pod is declared failed.
: "${CRASH_LIMIT:=30}"
: "${CRASH_WINDOW:=60}"
# Seconds that a server whose data is refused may take to shut down.
: "${REFUSAL_PATIENCE:=5}"

# --- the lock ---------------------------------------------------------------------------------------------------------

# Descriptor 9 stays open in the server and its backends: the kernel gives the lock up when the last of them is gone,
# wherever they run. Short-lived helpers close it.
lock_volume() {
  local waited=0
  # For the group, which is the volume's: a pod that ran once as the wrong user must not lock out the right one.
  local old_umask
  old_umask=$(umask)
  umask 0007
  { exec 9>>"$VOLUME/.lock"; } 2>/dev/null || die "cannot write to the volume at $VOLUME as user $(id -u), group $(id -G)" \
    "the volume must be writable for the pod's fsGroup; some drivers ignore fsGroup: then change the owner of the volume's root by hand"
  umask "$old_umask"
  until flock -n 9; do
    if ((waited % 50 == 0)); then
      say "waiting for the volume: another pod's server still uses it (a pod that was deleted by force, perhaps on another node)"
    fi
    pause 0.2
    waited=$((waited + 1))
  done
  if ((waited)); then say "the volume is free now"; fi
}

# end_old_processes: no process of an earlier server may write once a new one starts; they cannot do anything useful
# without their postmaster, and what they committed is in the WAL
end_old_processes() {
  local process pid waited=0 found=1
  while ((found)); do
    found=0
    for process in /proc/[0-9]*; do
      pid=${process#/proc/}
      # A postmaster and its children work in their data directory. Reading links by -ef starts no program.
      if [[ $pid != "$$" && $process/cwd -ef $PGDATA && $process/exe -ef $PG_BIN/postgres ]]; then
        found=1
        kill -KILL "$pid" 2>/dev/null
      fi
    done 2>/dev/null
    if ((found)); then
      if ((waited > 0 && waited % 500 == 0)); then say "waiting for processes of the old server to end"; fi
      pause 0.02
      waited=$((waited + 1))
    fi
  done
  # We hold the lock and nobody is left: whatever this file says is about the past.
  rm -f "$PGDATA/postmaster.pid" 9>&-
}

# --- one life of the server -------------------------------------------------------------------------------------------

start_server() {
  local -a options=(
    -D "$PGDATA"
    -c "config_file=$ACTIVE_CONFIG/postgresql.conf"
    -c "hba_file=$ACTIVE_CONFIG/pg_hba.conf"
    -c "ident_file=$ACTIVE_CONFIG/pg_ident.conf"
    -c "unix_socket_directories=$RUN_DIR"
    -c "port=$PGPORT"
    # Heeded with ssl = on only.
    -c "ssl_cert_file=$ACTIVE_TLS/tls.crt"
    -c "ssl_key_file=$ACTIVE_TLS/tls.key"
    -c "cluster_name=$POD_NAME"
    "${role_options[@]}"
  )
  was_ready=0 refused=0 restarting=0
  : >"$RUN_DIR/server.tail"
  if ((failed_starts)); then
    # After a failure the last of what the server says is kept for our own last words.
    "$PG_BIN/postgres" "${options[@]}" 2> >(exec 9>&- && tee >(tail -c 1500 >"$RUN_DIR/server.tail") >&2) &
  else
    "$PG_BIN/postgres" "${options[@]}" &
  fi
  server=$!
  if ((stopping)); then kill -s INT "$server" 2>/dev/null; fi
  rm -f "$PREPARING" 9>&-
}

# begin_farewell: starts the checkpoint; 20 s at most, for after a failed liveness probe the pod has 30 s in all
begin_farewell() {
  PGOPTIONS=$SAFE PGCONNECT_TIMEOUT=2 timeout 20 "$PG_BIN/psql" -XAtqw -h "$RUN_DIR" -U postgres -d postgres -c CHECKPOINT >/dev/null 2>&1 9>&- &
  farewell=$!
}

# attend_server: stays until the server has ended; looks after it meanwhile
attend_server() {
  local ticker='' interval=0.1 started=$EPOCHSECONDS refused_since=0
  while kill -0 "$server" 2>/dev/null; do
    if [[ $farewell == wanted ]]; then
      drop_tasks
      begin_farewell
    fi
    # Left to run out when something else has ended the wait: see await_end.
    if [[ -z $ticker ]] || ! kill -0 "$ticker" 2>/dev/null; then
      sleep "$interval" 9>&- &
      ticker=$!
    fi
    wait -n "$server" "$ticker" ${task:+"$task"} ${farewell:+"$farewell"} 2>/dev/null
    if [[ -n $farewell ]]; then
      if [[ $farewell == wanted ]] || kill -0 "$farewell" 2>/dev/null; then continue; fi
      farewell=
    fi
    if ((stopping || refused || restarting)); then
      # Again each time: a signal is lost on a postmaster that has just begun.
      kill -s INT "$server" 2>/dev/null
      # A replica that has more than this server keeps its sender, and so the shutdown, waiting without end (PostgreSQL's
      # WalSndDone, for a position that the replica is past). Nothing that is refused has to be written.
      if ((refused)); then
        if ((!refused_since)); then refused_since=$EPOCHSECONDS; fi
        if ((EPOCHSECONDS - refused_since >= REFUSAL_PATIENCE)); then kill -s QUIT "$server" 2>/dev/null; fi
      fi
      drop_tasks
      interval=1
      continue
    fi
    # First, so that the next task does not wait for the next look.
    end_task
    end_additions
    server_state
    if [[ $REPLY == ready || $REPLY == standby ]]; then
      if ((!was_ready)); then
        was_ready=1
        failed_starts=0
        interval=1
        on_ready
      fi
      watch_files
      start_checks
      start_additions
    elif ((EPOCHSECONDS - started > 5)); then
      interval=1
    fi
  done
  # It may have been ready for less than one look.
  server_state
  if [[ $REPLY == ready || $REPLY == standby ]]; then was_ready=1 failed_starts=0; fi
  wait "$server"
  server_status=$?
  server=0
  drop_tasks
}

# describe STATUS: sets REPLY to words for an exit status
describe() {
  if (($1 > 128)); then REPLY="was ended by signal $(kill -l "$1")"; else REPLY="exited with status $1"; fi
}

# judge_end: after the server ended by itself: returns to start it again, or gives up so that the pod visibly fails
judge_end() {
  local -a words=()
  describe "$server_status"
  if give_room; then return; fi
  if ((was_ready)); then
    crashes+=("$EPOCHSECONDS")
    while ((EPOCHSECONDS - crashes[0] > CRASH_WINDOW)); do crashes=("${crashes[@]:1}"); done
    if ((${#crashes[@]} >= CRASH_LIMIT)); then
      die "the server crashed ${#crashes[@]} times within $CRASH_WINDOW seconds; the last one $REPLY" \
        "the data is untouched; its messages are in the log above (kubectl logs --previous $POD_NAME)"
    fi
    say "the server $REPLY; starting it again"
    return
  fi
  failed_starts=$((failed_starts + 1))
  if ((failed_starts >= START_LIMIT)); then
    pause 0.2 # for the copy of its last lines to arrive
    if [[ -s $RUN_DIR/server.tail ]]; then mapfile -t words <"$RUN_DIR/server.tail"; fi
    die "the server could not start, $failed_starts times; the last one $REPLY; it said:" "${words[@]}" \
      "the data is untouched; correct what the message names (setting: parameters), or see the log above"
  fi
  say "the server $REPLY before it accepted connections; attempt $((failed_starts + 1)) of $START_LIMIT follows"
  pause "0.$((failed_starts * 2))"
}

# --- main -------------------------------------------------------------------------------------------------------------

# prepare: everything before a server may start
prepare() {
  if has_cluster; then
    local version
    read -r version <"$PGDATA/PG_VERSION"
    if [[ $("$PG_BIN/postgres" --version 9>&-) != *" $version"[.a-z]* ]]; then
      die "the volume holds data of PostgreSQL $version, this image has $("$PG_BIN/postgres" --version)" \
        "the data is untouched; set the image back to PostgreSQL $version, or upgrade by dump and restore into a new cluster"
    fi
  elif ! is_vacant; then
    die "$PGDATA is not empty and is not a PostgreSQL cluster; nothing in it was changed" \
      "look at it, move it away on the volume, and delete the pod: it then starts as if new"
  fi
  if ((ORDINAL == 0)); then prepare_primary; else prepare_replica; fi
  # Group access that fsGroup gave is refused by the server.
  chmod 0700 "$PGDATA" 9>&- || die "$PGDATA belongs to another user than $(id -u): set the pod's runAsUser to its owner"
}

main() {
  trap on_stop TERM INT QUIT
  if ((stopping)); then leave; fi
  # A handler, not '': programs would inherit being deaf.
  trap : HUP PIPE
  if [[ ! $ORDINAL =~ ^[0-9]+$ ]]; then die "the host name $POD_NAME does not end in -<ordinal>: this script runs in the pods of a StatefulSet"; fi
  # Memory holds passwords and keys: a crash must not write it to a disk.
  ulimit -c 0
  mkdir -p "$RUN_DIR" 2>/dev/null
  : >"$PREPARING" || die "cannot write to $RUN_DIR as user $(id -u): mount an emptyDir there"
  lock_volume
  find_programs
  # Lets the probes find the programs without looking for them.
  ln -sfn "$PG_BIN" "$RUN_DIR/bin"
  recall_emergency
  refused=0 restarting=0 peers_pending=0 next_check=0
  failed_starts=0 crashes=() accounts_pending=0 accounts_not_before=0 seen_secrets=''
  additions_pending=0
  # Of a container that was here before.
  rm -f "$RUN_DIR/additions.said" "$RUN_DIR"/accounts.said* "$RUN_DIR/tls.said" "$HOLDING" 9>&-
  while :; do
    : >"$PREPARING"
    was_ready=0
    end_old_processes
    refresh_passfile || die "the Secret has no usable REPLICATION_PASSWORD in $SECRETS_DIR (one line, not empty, readable for the pod's group)"
    contents "$SECRETS_DIR/POSTGRES_PASSWORD" "$SECRETS_DIR/REPLICATION_PASSWORD"
    seen_secrets=$REPLY
    certificate_for_start
    prepare
    config_for_start
    if ((ORDINAL > 0)); then replica_limits "$PGDATA"; fi
    start_server
    attend_server
    if ((stopping)); then leave; fi
    if ((refused)); then
      mapfile -t <"$RUN_DIR/refusal"
      die "${MAPFILE[@]}"
    fi
    # A restart that we wanted ourselves is no failure.
    if ((!restarting)); then judge_end; fi
  done
}

main
