#!/usr/bin/env bash
# What the supervisor does while the server runs. Everything that needs a program happens in a task beside the server,
# one at a time, so that a crash is noticed at once whatever else goes on.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh and supervisor.sh

# Seconds between two looks at what needs a program to be looked at: replication, free space, slots.
: "${CHECK_INTERVAL:=10}"

task='' task_name=

# start_task NAME SCRIPT ARGUMENT...: runs one of our scripts beside the server, one at a time
start_task() {
  task_name=$1
  shift
  bash "$@" 9>&- &
  task=$!
}

# end_task: what follows when it is done
end_task() {
  local status
  if [[ -z $task ]] || kill -0 "$task" 2>/dev/null; then return; fi
  wait "$task"
  status=$?
  task=
  on_task_end "$task_name" "$status"
}

# drop_task: the server is gone, and with it the task's purpose
drop_task() {
  if [[ -n $task ]]; then
    kill "$task" 2>/dev/null
    wait "$task" 2>/dev/null
  fi
  task=
}

on_ready() {
  accounts_pending=1 peers_pending=1
  next_check=$EPOCHSECONDS
  say "the server accepts connections"
}

on_task_end() {
  case $1 in
  accounts)
    if (($2 == 0)); then
      rm -f "$NEW_CLUSTER" 9>&-
    else
      # Said by the task. Tried again, for an application may be waiting for its password.
      accounts_pending=1
      accounts_not_before=$((EPOCHSECONDS + 5))
    fi
    ;;
  *)
    case $2 in
    # The words are in a file.
    4) refused=1 ;;
    3) restarting=1 ;;
    2) kill -s HUP "$server" 2>/dev/null ;;
    esac
    ;;
  esac
  # At once, not at the next look.
  if ((refused || restarting)); then kill -s INT "$server" 2>/dev/null; fi
}

# start_checks: what is looked at by programs, so not every second
start_checks() {
  if [[ -n $task ]]; then
    return
  elif ((ORDINAL == 0 && peers_pending)); then
    peers_pending=0
    start_task peers "$here/check-peers.sh"
  elif ((ORDINAL == 0 && accounts_pending && EPOCHSECONDS >= accounts_not_before)); then
    accounts_pending=0
    start_task accounts "$here/accounts.sh"
  elif ((EPOCHSECONDS >= next_check)); then
    next_check=$((EPOCHSECONDS + CHECK_INTERVAL))
    if ((ORDINAL == 0)); then start_task primary "$here/check-primary.sh"; else start_task replica "$here/check-replica.sh"; fi
  fi
}

# watch_files: every second, without starting a program when nothing changed
watch_files() {
  contents "$SECRETS_DIR/POSTGRES_PASSWORD" "$SECRETS_DIR/REPLICATION_PASSWORD"
  if [[ $REPLY != "$seen_secrets" ]]; then
    seen_secrets=$REPLY
    accounts_pending=1
    say "the passwords changed"
    refresh_passfile || say "the Secret has no usable REPLICATION_PASSWORD; the previous one stays in use"
  fi
  if config_changed && adopt_config "$PGDATA"; then
    kill -s HUP "$server" 2>/dev/null
    say "the configuration changed; the server reloads it"
  fi
}
