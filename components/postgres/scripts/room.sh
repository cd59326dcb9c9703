#!/usr/bin/env bash
# A full volume: PostgreSQL stops, and cannot start again, for a recovery itself needs room. So some is kept in reserve
# in a file that can be removed. While the volume is full new transactions only read; the primary writes again by itself
# once there is room.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh

# volume_space: sets free_kb, and reserve_kb: what is set aside; two WAL segments at least, for a recovery needs them
volume_space() {
  local total
  free_kb=0 reserve_kb=65536
  read -r _ total _ free_kb _ < <(LC_ALL=C df -Pk "$VOLUME" 9>&- | tail -n 1 9>&-)
  if ((total / 20 < reserve_kb)); then reserve_kb=$((total / 20 > 32768 ? total / 20 : 32768)); fi
}

# give_room: the volume is full, and what was set aside for that keeps the server going, or gets it going again; new transactions only
# read until there is room, or the same would happen again with nothing left to give
give_room() {
  volume_space
  ((free_kb < 20480)) && [[ -e $RESERVE ]] || return 1
  printf 'default_transaction_read_only = on\n' >"$EMERGENCY"
  rm -f "$RESERVE" 9>&-
  say "the volume is full: giving back the $((reserve_kb / 1024)) MB that were set aside; new transactions only read until there is room again" \
    "(make the volume larger: setting storageSize, or delete data in a transaction that starts with BEGIN READ WRITE)"
}

# recall_emergency: a pod that is new to a full volume, with nothing left to give, must not write either
recall_emergency() {
  [[ -s $EMERGENCY ]] || : >"$EMERGENCY"
  volume_space
  if has_cluster && [[ ! -e $RESERVE ]] && ((free_kb < reserve_kb)); then
    printf 'default_transaction_read_only = on\n' >"$EMERGENCY"
    say "the volume is nearly full: new transactions only read until there is room again"
  fi
}

# keep_room: makes the reserve, and ends the emergency; returns 2 when the server has to reload for that
keep_room() {
  volume_space
  if [[ -s $EMERGENCY ]]; then
    ((free_kb > 2 * reserve_kb)) && make_reserve || return 0
    : >"$EMERGENCY"
    rm -f "$RUN_DIR/emergency.slots"
    say "the volume has room again: transactions may write"
    return 2
  elif give_room; then
    return 2
  elif [[ ! -e $RESERVE ]] && ((free_kb > 2 * reserve_kb)); then
    make_reserve
  elif ((free_kb < reserve_kb)) && [[ ! -e $RUN_DIR/full.said || $(<"$RUN_DIR/full.said") -lt $((EPOCHSECONDS - 300)) ]]; then
    printf '%s\n' "$EPOCHSECONDS" >"$RUN_DIR/full.said"
    say "the volume is nearly full: $((free_kb / 1024)) MB are left; make it larger (setting storageSize) or delete data"
  fi
  return 0
}

make_reserve() {
  fallocate -l "$((reserve_kb * 1024))" "$RESERVE.new" 2>/dev/null || head -c "$((reserve_kb * 1024))" /dev/zero >"$RESERVE.new" || return 1
  mv -f "$RESERVE.new" "$RESERVE"
}
