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

notice() { printf 'notice\t%s\n' "${1//[$'\n\t']/ }"; }

# report_settings: whether the server has the ConfigMap's settings, as far as it was given them
report_settings() {
  if ! has_cluster || settings_in_use; then return; fi
  if check_config "$PGDATA"; then
    notice "the new settings were not taken over yet; if that lasts, the volume has no room to store them"
  else
    notice "$REPLY"
  fi
}

# report_server: what the server has read and does not follow
report_server() {
  PGOPTIONS=$SAFE PGCONNECT_TIMEOUT=2 timeout 3 "$PG_BIN/psql" -XAtqw -h "$RUN_DIR" -U postgres -d postgres 2>/dev/null <<'SQL' |
SELECT DISTINCT format('%s = %s is not in force: %s', f.name, quote_literal(f.setting),
    CASE WHEN s.pending_restart THEN 'it needs a restart of this pod' ELSE f.error END)
  FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = lower(f.name)
  WHERE f.error IS NOT NULL ORDER BY 1;
SQL
    while IFS= read -r line; do notice "$line"; done
}

# report_certificate: until when it lives, and whether the Secret has another one that cannot be used
report_certificate() {
  if has_certificate; then
    certificate_end "$ACTIVE_TLS"
    printf 'certificate\t%s\n' "$REPLY"
  fi
  read_tls
  if [[ $tls_mode == off ]] || is_current; then return; fi
  if ! has_files; then
    unusable "$REPLY"
  elif [[ $tls_mode == self-signed ]]; then
    notice "the certificate is due to be made anew; if that lasts, the log says why it cannot"
  elif check_certificate "$TLS_DIR"; then
    notice "the certificate of Secret $tls_secret was not taken over yet; if that lasts, the volume has no room to store it"
  else
    unusable "$REPLY"
  fi
}

unusable() {
  unusable_certificate "$1"
  notice "$REPLY"
}

# report_room: what a full volume does to clients
report_room() {
  if [[ -s $EMERGENCY ]]; then notice "the volume is full: new transactions only read until there is room again (setting: storageSize)"; fi
}

# report_additions: roles, databases and extensions that could not be made, as the last try said it
report_additions() {
  local line
  [[ -s $RUN_DIR/additions.said ]] || return 0
  while IFS= read -r line; do notice "$line"; done <"$RUN_DIR/additions.said"
}

report_settings
report_server
report_certificate
report_room
report_additions
