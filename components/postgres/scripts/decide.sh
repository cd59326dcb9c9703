#!/usr/bin/env bash
# Whether a replica may go on with the data it has. A wrong yes shows as a replica that looks healthy and stays behind
# for ever; a wrong "clone again" destroys what may be the last good copy. So: a copy is only thrown away when the
# primary provably has all of it; in doubt a person decides.
#
#   primary does not answer                              reuse: start with what is here, follow later
#   other system identifier                              refuse: another database answers under the primary's name
#   local timeline is newer than the primary's           refuse: the primary is the older one
#   same timeline, local position beyond the primary's   refuse: the primary lost what is here
#   older timeline, position beyond the fork             refuse: the primary was built without what is here
#   older timeline, position before the fork             as below
#   slot has its WAL                                     reuse
#   slot lost its WAL                                    drop it, clone
#   no slot, the WAL is still there                      make it, reuse
#   no slot, the WAL is gone                             clone
#
# shellcheck disable=SC2154,SC2034,SC2153  # variables of lib.sh, and ones that replica.sh reads

# local_state: sets local_id, local_timeline, local_lsn and local_position (the same as a number)
local_state() {
  local timeline=0 lsn=
  control "Database system identifier" && local_id=$REPLY
  control "Latest checkpoint's TimeLineID" && local_timeline=$REPLY
  control "Latest checkpoint location" && local_lsn=$REPLY
  lsn_number "$local_lsn" && local_position=$REPLY
  control "Min recovery ending loc's timeline" && timeline=$REPLY
  control "Minimum recovery ending location" && lsn=$REPLY
  lsn_number "$lsn"
  if ((REPLY > local_position)); then
    local_position=$REPLY local_lsn=$lsn
    if ((timeline > local_timeline)); then local_timeline=$timeline; fi
  fi
}

# primary_state: sets primary_id, primary_timeline, primary_lsn, slot (missing or its wal_status) and wal (t: it still
# has the WAL that follows local_lsn); fails when the primary does not answer as a primary
primary_state() {
  local answer=$RUN_DIR/primary.state
  run ask_primary "SELECT c.system_identifier, substr(pg_walfile_name(w.lsn + 1), 1, 8), w.lsn,
      coalesce((SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = '$SLOT'), 'missing'),
      EXISTS (SELECT FROM pg_ls_waldir() f WHERE length(f.name) = 24
        AND substr(f.name, 9) = substr(pg_walfile_name('$local_lsn'::pg_lsn + 1), 9))
    FROM pg_control_system() c, pg_current_wal_flush_lsn() w (lsn)" >"$answer" 2>"$answer.error" || return 1
  IFS='|' read -r primary_id primary_timeline primary_lsn slot wal <"$answer" || return 1
  primary_timeline=$((16#$primary_timeline))
}

# fork_position: sets REPLY to where the primary's history left the local timeline; fails when it does not say
fork_position() {
  local timeline lsn
  run ask_primary_history "$primary_timeline" >"$RUN_DIR/history" 2>/dev/null || return 1
  while read -r timeline lsn _; do
    if [[ ${timeline##*|} == "$local_timeline" ]]; then
      lsn_number "$lsn"
      return 0
    fi
  done <"$RUN_DIR/history"
  return 1
}

# decide: sets decision (reuse, clone or refuse) and reason
decide() {
  decision=reuse
  local_state
  if ! primary_state; then
    reason="the primary does not answer: starting with the data that is here"
    return
  fi
  if [[ $primary_id != "$local_id" ]]; then
    decision=refuse reason="the primary is another database: its system identifier is $primary_id, this replica's data has $local_id"
  elif ((local_timeline > primary_timeline)); then
    decision=refuse reason="this replica is on timeline $local_timeline, the primary on the older timeline $primary_timeline"
  elif lsn_number "$primary_lsn" && ((local_timeline == primary_timeline && local_position > REPLY)); then
    decision=refuse reason="this replica has WAL up to $local_lsn, the primary only up to $primary_lsn: the primary's data is older"
  elif ((local_timeline < primary_timeline)) && fork_position && ((local_position > REPLY)); then
    decision=refuse reason="this replica is at $local_lsn, beyond the point where the primary's timeline $primary_timeline began: it has what the primary does not have"
  elif [[ $slot == lost ]]; then
    decision=clone reason="this replica fell too far behind: its slot lost the WAL after $local_lsn (max_slot_wal_keep_size)"
  elif [[ $slot == missing && $wal != t ]]; then
    decision=clone reason="this replica fell too far behind: it has no slot, and the primary no longer has the WAL after $local_lsn"
  elif [[ $slot == missing ]]; then
    reason="the slot is missing and the primary still has the WAL: making it again"
    make_slot 2>/dev/null
  else
    reason="the data continues the primary's"
  fi
}
