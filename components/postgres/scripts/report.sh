#!/usr/bin/env bash
# What a pod says of itself to a person who asks (npm run status): what keeps it from running as its settings say, as it is
# now, where the log has it as it was. Changes nothing. Prints lines of a kind, a tab and words.
# shellcheck disable=SC2154  # variables of the other scripts

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/config.sh
. "$here/config.sh"
# shellcheck source=components/postgres/scripts/tls.sh
. "$here/tls.sh"
PG_BIN=$RUN_DIR/bin

# notice WORDS: what others have written may have anything in it
notice() { printf 'notice\t%s\n' "${1//[[:cntrl:]]/ }"; }

# report_state: whether there is a server that takes anything over; sets is_up
report_state() {
  server_state
  is_up=0
  if [[ $REPLY == ready || $REPLY == standby ]]; then is_up=1; else notice "the server does not accept connections now; what changed is taken over when it does"; fi
}

# report_settings: whether the server has been given the ConfigMap's settings
report_settings() {
  if ! has_cluster || settings_in_use; then return; fi
  if ! check_config "$PGDATA"; then
    # Without the server's time and process, which differ each time, and its last line, which only says that there are errors.
    notice "$(sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ [A-Z]+ \[[0-9]+\]:? *//g' \
      -e 's/; FATAL: +configuration file .* contains errors$//' -e 's/(LOG|FATAL): +//g' \
      -e '/settings are not valid/s/$/ (setting: parameters)/' <<<"$REPLY")"
  elif ((is_up)); then
    notice "the new settings are not taken over yet: that takes a second, and longer only where the volume has no room"
  fi
}

# report_server: what the server has read and does not follow. What the command line has is the supervisor's, and no
# setting's; but for what a replica needs as long as its primary had more (replica_limits).
report_server() {
  local words line
  ((is_up)) || return
  words=$(
    PGOPTIONS=$SAFE PGCONNECT_TIMEOUT=2 timeout 3 "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$RUN_DIR" -U postgres -d postgres 2>/dev/null <<'SQL'
WITH file AS (
    SELECT f.*, s.source, s.pending_restart, format('%s = %s is not in force: ', f.name, quote_literal(f.setting)) AS it,
      s.source = 'command line' AND s.name IN ('max_connections', 'max_worker_processes', 'max_wal_senders',
        'max_prepared_transactions', 'max_locks_per_transaction') AS limited,
      s.vartype = 'integer' AND f.setting ~ '^[0-9]{1,9}$' AND length(s.setting) < 10
        AND lpad(f.setting, 9, '0') < lpad(s.setting, 9, '0') AS lowers
    FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)),
  found (words) AS (
    SELECT CASE WHEN name IS NULL THEN error || coalesce(' (' || sourcefile || ', line ' || sourceline || ')', '')
      WHEN limited AND lowers THEN it || 'it waits for the primary to have it, then for a restart of this pod'
      WHEN limited OR pending_restart THEN it || 'it needs a restart of this pod'
      ELSE it || error END
    FROM file WHERE error IS NOT NULL AND (limited OR coalesce(source, '') NOT IN ('command line', 'override'))
    UNION SELECT it || format('ALTER SYSTEM has set it to %s (ALTER SYSTEM RESET %I ends that)', quote_literal(a.setting), a.name)
    FROM file JOIN pg_file_settings a ON lower(a.name) = lower(file.name) AND a.setting <> file.setting
    WHERE a.applied AND a.sourcefile LIKE '%/postgresql.auto.conf' AND NOT file.applied AND file.error IS NULL
      AND file.sourcefile LIKE '%/postgresql.conf'
    UNION SELECT format('pg_hba.conf, line %s: %s', line_number, error) FROM pg_hba_file_rules WHERE error IS NOT NULL)
SELECT translate(words, E'\n\r', '  ') FROM found ORDER BY 1;
SQL
  ) || {
    notice "the server did not answer within 3 s, so it is not known what it follows"
    return
  }
  while IFS= read -r line; do
    if [[ -n $line ]]; then notice "$line"; fi
  done <<<"$words"
}

# report_certificate: until when it lives, and whether the Secret has another one that cannot be used
report_certificate() {
  if has_certificate; then
    certificate_end "$ACTIVE_TLS"
    printf 'certificate\t%s\n' "$REPLY"
  fi
  read_tls
  if [[ $tls_mode == off ]]; then return; fi
  if ! command -v openssl >/dev/null; then
    unusable "this image has no openssl"
    return
  fi
  if ! is_current; then
    if ! has_files || { [[ $tls_mode != self-signed ]] && ! check_certificate "$TLS_DIR"; }; then
      unusable "$REPLY"
    elif [[ -s $RUN_DIR/tls.said ]]; then
      unusable "$(<"$RUN_DIR/tls.said")"
    elif ((is_up)); then
      # Where no file changed it is looked at every hour.
      notice "another certificate is due, and not in use yet: that takes an hour at most"
    fi
  fi
  if ! has_certificate; then return; fi
  if ! lives 0; then
    notice "the certificate has ended: clients that verify it refuse it"
  elif is_ending; then
    notice "$REPLY"
  fi
}

# unusable REASON: of the certificate that the settings ask for
unusable() {
  unusable_certificate "$1"
  notice "$REPLY"
}

# report_room: what a full volume does to clients
report_room() {
  if [[ -s $EMERGENCY ]]; then notice "the volume is full: new transactions only read until there is room again (setting: storageSize)"; fi
}

# report_roles: passwords, roles, databases and extensions that could not be made, as the last try said it
report_roles() {
  local file line REPLY
  # The primary tries it, and says so.
  if ((ORDINAL)) && ! secret REPLICATION_PASSWORD; then notice "the Secret has no usable REPLICATION_PASSWORD; the previous one stays in use"; fi
  for file in "$RUN_DIR"/accounts.said* "$RUN_DIR/additions.said"; do
    [[ -s $file ]] || continue
    while IFS= read -r line; do notice "$line"; done <"$file"
  done 2>/dev/null
}

report_state
report_settings
report_server
report_certificate
report_room
report_roles
exit 0
