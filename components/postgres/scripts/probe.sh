#!/bin/bash
# What the kubelet asks. pg_isready says 0: accepts connections, 1: starting or recovering, 2: no answer.
# Cheap, for it runs every few seconds, and with an own limit of time, so that it never leaves an orphan.
run=${RUN_DIR:-/run/postgresql}
isready() { "$run/bin/pg_isready" -q -h "$run" -p "${PGPORT:-5432}" -t 3; }

# ready: a new cluster is not before its roles have their passwords. A replica need not be streaming: a rolling update
# starts with the replicas, and would never reach the primary that they wait for.
# Ordinal 0 with a lost volume lets the replicas start, which it needs to name the one that has the data.
ready() { [ -e "$run/holding" ] || { [ ! -e "$run/new-cluster" ] && isready; }; }

# says_so: the server writes what it does in its lock file. To ask one that recovers costs a session, and a line of its log.
says_so() {
  local -a line=()
  if [ -r "$PGDATA/postmaster.pid" ]; then mapfile -t line <"$PGDATA/postmaster.pid"; fi 2>/dev/null
  case ${line[7]:-} in ready* | standby*) ;; *) return 1 ;; esac
}

case ${1:-} in
# Asked until it first succeeds, which may take as long as a clone or a recovery takes. It waits itself, for most of the
# time that it has (with pg_isready's 3 s, less than the 10 of pod.ts): the kubelet cannot ask more often than every
# second, and starting a process in the container each time takes from what it waits for.
startup)
  until { [ -e "$run/holding" ] || says_so; } && ready; do
    ((SECONDS < ${STARTUP_PATIENCE:-6})) || exit 1
    sleep 0.1
  done
  ;;
readiness) ready ;;
# A recovery is alive, and so is a replica that clones again while its container runs.
liveness) [ -e "$run/preparing" ] || isready || [ $? -eq 1 ] ;;
*)
  echo "usage: probe.sh startup|readiness|liveness" >&2
  exit 64
  ;;
esac
