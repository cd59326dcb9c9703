#!/usr/bin/env bash
# What the supervisor does while the server runs. Everything that needs a program happens in a task beside the server,
# one at a time, so that a crash is noticed at once whatever else goes on.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh and supervisor.sh

# Seconds between two looks at what needs a program to be looked at: replication, free space, slots.
: "${CHECK_INTERVAL:=10}"

task='' task_name=
additions=''  # runs beside the task: what the settings add may take long, and nothing else waits for it

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

# drop_tasks: the server is gone or going, and with it their purpose
drop_tasks() {
  local running
  for running in $task $additions; do
    kill "$running" 2>/dev/null
    await_end "$running"
  done
  task='' additions=
}

on_ready() {
  accounts_pending=1 peers_pending=1 accounts_tried=0 seen_additions=''
  next_check=$EPOCHSECONDS
  say "the server accepts connections"
}

on_task_end() {
  case $1 in
  accounts)
    accounts_tried=1
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

# start_additions: the passwords that the cluster itself needs come first
start_additions() {
  if [[ -n $additions ]] || ((!additions_pending || !accounts_tried || EPOCHSECONDS < additions_not_before)); then return; fi
  additions_pending=0
  bash "$here/additions.sh" 9>&- &
  additions=$!
}

# end_additions: one that could not be made is tried again, after 5 s and then ever more rarely
end_additions() {
  local status
  if [[ -z $additions ]] || kill -0 "$additions" 2>/dev/null; then return; fi
  wait "$additions"
  status=$?
  additions=
  # A change that came meanwhile is due at once.
  if ((status == 0 || additions_pending)); then return; fi
  additions_pending=1
  additions_not_before=$((EPOCHSECONDS + additions_pause))
  additions_pause=$((additions_pause < 150 ? additions_pause * 2 : 300))
}

# watch_additions: at the server's start and whenever the settings change
watch_additions() {
  contents "$CONFIG_DIR/roles" "$CONFIG_DIR/databases" "$CONFIG_DIR/extensions" "$SECRETS_DIR"/PASSWORD_* \
    "$SECRETS_DIR"/{READONLY,MONITORING,SUPERUSER}_PASSWORD
  [[ $REPLY != "$seen_additions" ]] || return
  additions_not_before=0 additions_pending=1 additions_pause=5
  # After a change: the files of the ConfigMap and those of the Secret arrive one after the other.
  if [[ -n $seen_additions ]]; then additions_not_before=$((EPOCHSECONDS + 3)); fi
  seen_additions=$REPLY
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
  if certificate_changed && adopt_certificate; then kill -s HUP "$server" 2>/dev/null; fi
  if config_changed && adopt_config "$PGDATA"; then
    kill -s HUP "$server" 2>/dev/null
    say "the configuration changed; the server reloads it"
  fi
  if ((ORDINAL == 0)); then watch_additions; fi
}
