#!/usr/bin/env bash
# The server does not read the ConfigMap but the last version of it that was found valid, kept on the volume: a mistake
# in the settings is then a log line, and never the reason why a crashed server does not come back.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh and tls.sh, and ones that supervisor.sh reads

# Seconds until settings that could not be stored are tried again.
: "${STORE_INTERVAL:=10}"

config_files=(postgresql.conf pg_hba.conf pg_ident.conf)
seen_config=
store_again=0 # when; 0 for never
config_waits=0 # settings with TLS, for a certificate that is not there yet

# config_changed: the ConfigMap differs from what was last looked at, or could not be stored then
config_changed() {
  contents "${config_files[@]/#/$CONFIG_DIR/}"
  if [[ $REPLY != "$seen_config" ]]; then
    seen_config=$REPLY store_again=0
    return 0
  fi
  ((store_again && EPOCHSECONDS >= store_again))
}

# check_config DIRECTORY: whether the ConfigMap's settings can become the active ones; REPLY says why not. Sets config_waits
# where they only wait for a certificate.
check_config() {
  local file words
  for file in "${config_files[@]}"; do
    if [[ ! -r $CONFIG_DIR/$file ]]; then
      REPLY="$CONFIG_DIR has no readable $file; the previous settings stay"
      return 1
    fi
  done
  read_tls
  if [[ $tls_mode != off ]] && ! has_certificate; then
    config_waits=1
    REPLY="the new settings need a certificate, which is not there yet; the previous ones stay until it is"
    return 1
  fi
  # The server's own reading of the file; it prints one value and ends.
  words=$("$PG_BIN/postgres" -C config_file -D "$1" -c "config_file=$CONFIG_DIR/postgresql.conf" 2>&1 >/dev/null 9>&-) || {
    REPLY="the new settings are not valid, the previous ones stay: ${words//$'\n'/; }"
    return 1
  }
}

# adopt_config DIRECTORY: makes the ConfigMap's settings the active ones; says why when it does not
adopt_config() {
  if ! check_config "$1"; then
    say "$REPLY"
    return 1
  fi
  if ! store_settings 2>/dev/null; then
    ((store_again)) || say "could not store the new settings on the volume; the previous ones stay until there is room"
    store_again=$((EPOCHSECONDS + STORE_INTERVAL))
    return 1
  fi
  store_again=0
  drop_certificate
}

# store_settings: complete file by complete file: a full volume must not leave half of one
store_settings() {
  local file
  mkdir -p "$ACTIVE_CONFIG" 9>&- || return 1
  for file in "${config_files[@]}"; do
    { copy_settings "$file" >"$ACTIVE_CONFIG/$file.new" && mv -f -- "$ACTIVE_CONFIG/$file.new" "$ACTIVE_CONFIG/$file"; } 9>&- || return 1
  done
}

# copy_settings FILE: prints one of the ConfigMap's files; the settings end with what an emergency adds
copy_settings() {
  cat -- "$CONFIG_DIR/$1" || return 1
  [[ $1 != postgresql.conf ]] || printf "\ninclude_if_exists = '%s'\n" "$EMERGENCY"
}

# settings_in_use: the active settings are the ConfigMap's
settings_in_use() {
  local file
  for file in "${config_files[@]}"; do
    [[ -r $ACTIVE_CONFIG/$file && $(copy_settings "$file" 2>/dev/null) == "$(<"$ACTIVE_CONFIG/$file")" ]] || return 1
  done
}

# config_for_start: the active settings before a server starts; unchanged ones cost nothing after a crash
config_for_start() {
  local file
  if ! config_changed && [[ -r $ACTIVE_CONFIG/postgresql.conf ]]; then return; fi
  if adopt_config "$PGDATA"; then return; fi
  for file in "${config_files[@]}"; do
    [[ -r $ACTIVE_CONFIG/$file ]] || die "there are no valid settings to start with; the reason is in the line above" \
      "correct the setting that it names (setting: parameters) and run the program again"
  done
  say "starting with the last settings that were valid"
}
