#!/usr/bin/env bash
# Runs once whenever the primary has become ready: is this an older copy of its volume, a restored snapshot perhaps?
# A replica never has more than the primary it follows; one that does holds commits that are missing here, and each
# write would make the two harder to bring together. Status 4 stops the server; the words are in a file.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/peers.sh
. "$here/peers.sh"
PG_BIN=$RUN_DIR/bin

own() { PGOPTIONS="$SAFE -c statement_timeout=10s" timeout 15 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$RUN_DIR" -U postgres -d postgres -c "$1"; }

# Our own slots tell which replicas there are.
mapfile -t ordinals < <(own "SELECT substr(slot_name, 9) FROM pg_replication_slots WHERE slot_name ~ '^replica_[0-9]+\$'")
((${#ordinals[@]})) || exit 0
# A replica that somebody promoted says nothing about the age of this volume.
standbys_only=t
ask_peers "${ordinals[@]}"
[[ -n $best ]] || exit 0
# Asked after the replicas: what they have in the right order of things was here before.
IFS='|' read -r id timeline lsn < <(own "SELECT system_identifier, c.timeline_id, pg_current_wal_flush_lsn()
  FROM pg_control_system(), pg_control_checkpoint() c") || exit 0
lsn_number "$lsn"
if [[ $id == "$best_id" ]] && ((best_timeline > timeline || (best_timeline == timeline && best_position > REPLY))); then
  printf '%s\n' "the volume of $POD_NAME is older than its replicas: it ends at $lsn (timeline $timeline), $STATEFULSET-$best has $best_lsn (timeline $best_timeline)" \
    "the server was stopped before the two could part further; nothing was changed" \
    "to go on from the replica: delete the claim and the pod of $POD_NAME, and set recoverPrimaryFrom to $best" \
    "to go on from this older copy: stop the replicas and delete their claims first" >"$RUN_DIR/refusal"
  exit 4
fi
exit 0
