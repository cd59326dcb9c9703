#!/bin/bash
# What the kubelet asks. pg_isready says 0: accepts connections, 1: starting or recovering, 2: no answer.
# Cheap, for it runs every few seconds, and with an own limit of time, so that it never leaves an orphan.
run=${RUN_DIR:-/run/postgresql}
isready() { "$run/bin/pg_isready" -q -h "$run" -p "${PGPORT:-5432}" -t 3; }

case ${1:-} in
# Asked every second until it first succeeds, which may take as long as a clone or a recovery takes. A new cluster is not
# ready before its roles have their passwords. A replica need not be streaming: a rolling update starts with the
# replicas, and would never reach the primary that they wait for.
# Ordinal 0 with a lost volume lets the replicas start, which it needs to name the one that has the data.
startup | readiness) [ -e "$run/holding" ] || { [ ! -e "$run/new-cluster" ] && isready; } ;;
# A recovery is alive, and so is a replica that clones again while its container runs.
liveness) [ -e "$run/preparing" ] || isready || [ $? -eq 1 ] ;;
*)
  echo "usage: probe.sh startup|readiness|liveness" >&2
  exit 64
  ;;
esac
