#!/usr/bin/env bash
# SQL as the superuser of the primary, and how a role gets its password. The server is only ever sent a verifier that
# psql computes, so no log setting can show a password. The sourcing script sets work, the start of its files' names.
# shellcheck disable=SC2154  # variables of lib.sh and of the sourcing scripts

# Without a waiting standby a synchronous commit would hang; what is done here is repeated at the next start anyway.
export PGOPTIONS="$SAFE -c synchronous_commit=local -c default_transaction_read_only=off -c statement_timeout=30s -c lock_timeout=10s"
export PGCONNECT_TIMEOUT=5
# A login without TLS, tried after one with it, would hide what the first one was refused for.
if has_certificate; then export PGSSLMODE=require; fi

# as_superuser DATABASE OPTION...: psql on the pod's own socket, SQL from standard input; no terminal, so that \password
# reads it as well
as_superuser() {
  timeout "${SQL_LIMIT:-60}" setsid "$PG_BIN/psql" -XAtqw -v ON_ERROR_STOP=1 -h "$RUN_DIR" -U postgres -d "$@"
}

# password_works ROLE DATABASE PASSWORD: 1 when it is wrong, 2 when that cannot be known now; REPLY is then the reason
password_works() {
  local passfile=$work.pgpass status
  REPLY=
  write_passfile "$passfile" "$1" "$3" || return 1
  PGPASSFILE=$passfile timeout 15 "$PG_BIN/psql" -XAtqw -h "$SELF_HOST" -U "$1" -d "$2" -c '' >/dev/null 2>"$work.login"
  status=$?
  rm -f "$passfile"
  if ((status == 0)); then return 0; fi
  REPLY=$(<"$work.login")
  case $REPLY in
  *"password authentication failed"*) return 1 ;;
  *"too many clients"* | *"the database system is"*) return 2 ;;
  # Turned away before it was asked for a password: the file that lets it in may still be on its way.
  *"pg_hba.conf"*) return 2 ;;
  # Whatever else it may not do, such as connect to this database, is judged after the password was found right.
  *FATAL:*)
    if speaks_english; then return 0; else return 1; fi
    ;;
  esac
  REPLY=${REPLY:-no answer within 15 s}
  return 2
}

# speaks_english: the server's messages, so that one can be recognised
speaks_english() {
  local locale
  locale=$(as_superuser postgres <<<'SHOW lc_messages' 2>/dev/null)
  [[ $locale =~ ^(|C|C\..*|POSIX|en.*)$ ]]
}

# set_password ROLE PASSWORD: \password turns it into a verifier before anything is sent
set_password() {
  local role=${1//\"/\"\"}
  printf '%s\n' "SET log_statement = 'none';" "SET log_min_duration_statement = -1;" "SET log_min_error_statement = 'panic';" \
    "SET password_encryption = 'scram-sha-256';" "\\password \"$role\"" "$2" "$2" | as_superuser postgres >"$work.prompts" 2>&1
}

# apply_password ROLE DATABASE KEY [new]: sets REPLY to what was done, or why it could not be; empty where nothing had to be
apply_password() {
  local password status=1
  if ! secret "$3"; then
    REPLY="the Secret has no usable $3: one line, not empty; the password of role $1 stays as it is"
    return 1
  fi
  password=$REPLY
  if [[ ${4:-} != new ]]; then
    password_works "$1" "$2" "$password"
    status=$?
  fi
  if ((status == 0)); then
    REPLY=
    return 0
  elif ((status == 2)); then
    REPLY="could not check the password of role $1, it stays as it is until that can be done: ${REPLY##*$'\n'}"
    return 1
  fi
  if set_password "$1" "$password"; then
    REPLY="applied the password of role $1"
  else
    REPLY="could not apply the password of role $1: $(grep -E 'ERROR|FATAL|error:' "$work.prompts" | head -n 1)"
    return 1
  fi
}
