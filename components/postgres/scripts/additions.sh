#!/usr/bin/env bash
# Makes the roles that every cluster has, and the roles, databases and extensions that the settings add, on the primary.
# What is there already stays as it is, and nothing is ever dropped. One that cannot be made does not keep the others from
# it. The supervisor tries again later, so what was said the last time is not said again.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=components/postgres/scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=components/postgres/scripts/passwords.sh
. "$here/passwords.sh"
# shellcheck source=components/postgres/scripts/generated.sh
. "$here/generated.sh"
PG_BIN=$RUN_DIR/bin
work=$RUN_DIR/additions

# An extension's tables, or a copy of template1 on a slow disk, may take minutes; nobody waits for them here. The first
# line of an answer is then the error.
PGOPTIONS+=' -c statement_timeout=290s -c client_min_messages=error'
SQL_LIMIT=300

failed=0
said=''
if [[ -r $work.said ]]; then said=$(<"$work.said"); fi
: >"$work.said.new"

# note WORDS: says it, unless the last run did
note() {
  printf '%s\n' "$1" >>"$work.said.new"
  [[ $'\n'$said$'\n' == *$'\n'"$1"$'\n'* ]] || say "$1"
}

# complain WORDS [SETTING]: something could not be made
complain() {
  failed=1
  note "$1 (${2:+setting: $2; }tried again by itself)"
}

# entries SETTING: sets MAPFILE to its lines, a name and more fields that are separated by tabs
entries() {
  MAPFILE=()
  if [[ -r $CONFIG_DIR/$1 ]]; then mapfile -t <"$CONFIG_DIR/$1"; fi
}

# ask DATABASE NAME=VALUE...: runs SQL from standard input; sets REPLY to the answer, or to why there is none
ask() {
  local database=$1 variable
  local -a variables=()
  shift
  for variable in "$@"; do variables+=(-v "$variable"); done
  if as_superuser "$database" "${variables[@]}" >"$work.answer" 2>"$work.error"; then
    REPLY=$(<"$work.answer")
    return 0
  fi
  REPLY=
  if [[ -s $work.error ]]; then read -r REPLY <"$work.error"; fi
  REPLY=${REPLY#psql:<stdin>:*: }
  REPLY=${REPLY:-no answer within $SQL_LIMIT s}
  return 1
}

# make_role ROLE DATABASE KEY SETTING SQL: with its password, which is tried in a database that it may connect to; the SQL
# makes a new one what it is beside a login. Sets state to what was found, and mark to the comment that the role has
make_role() {
  local new=''
  # The rights come with the role or not at all.
  if ! ask postgres "role=$1" "database=$POSTGRES_DB" <<END; then
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') AS missing \gset
\if :missing
BEGIN;
CREATE ROLE :"role" LOGIN;
$5
COMMIT;
\endif
SELECT CASE WHEN :'missing' THEN 'made' WHEN NOT rolcanlogin THEN 'closed' WHEN rolpassword IS NULL THEN 'bare' ELSE 'there' END,
  shobj_description(oid, 'pg_authid')
  FROM pg_authid WHERE rolname = :'role';
END
    complain "could not make role $1: $REPLY" "$4"
    return 1
  fi
  IFS='|' read -r state mark <<<"$REPLY"
  case $state in
  made) say "made role $1" ;;
  closed)
    note "role $1 was there already and may not log in: it stays so, without the password of the Secret${4:+ (setting: $4)}"
    return 0
    ;;
  esac
  # Without a password a try would only put an error into the server's log.
  if [[ $state != there ]]; then new=new; fi
  give_password "$1" "$2" "$3" "$4" "$new"
}

# give_password ROLE DATABASE KEY SETTING [new]
give_password() {
  if ! apply_password "$1" "$2" "$3" "${5:-}"; then
    complain "$REPLY" "$4"
  elif [[ -n $REPLY ]]; then
    say "$REPLY"
  fi
}

# make_member ROLE GROUP SETTING
make_member() {
  if ! ask postgres "role=$1" "group=$2" <<'END'; then
SELECT NOT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
  WHERE g.rolname = :'group' AND r.rolname = :'role') AS missing \gset
\if :missing
GRANT :"group" TO :"role";
\echo made
\endif
END
    complain "could not make role $1 a member of $2: $REPLY" "$3"
  elif [[ $REPLY == made ]]; then
    say "made role $1 a member of $2"
  fi
}

# make_database NAME OWNER
make_database() {
  if ! ask postgres "database=$1" "owner=$2" <<'END'; then
SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') AS missing \gset
\if :missing
CREATE DATABASE :"database" OWNER :"owner";
\echo made
\else
SELECT 'of ' || pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'database' AND pg_get_userbyid(datdba) <> :'owner';
\endif
END
    complain "could not make database $1 for role $2: $REPLY" databases
  elif [[ $REPLY == made ]]; then
    say "made database $1, owned by role $2"
  elif [[ -n $REPLY ]]; then
    note "database $1 was there already and belongs to role ${REPLY#of }: it stays so; ALTER DATABASE ... OWNER TO changes that (setting: databases)"
  fi
}

# make_extension NAME DATABASE
make_extension() {
  # public, where CREATE EXTENSION puts what has no schema of its own.
  if ! ask "$2" "extension=$1" <<'END'; then
SELECT NOT EXISTS (SELECT FROM pg_extension WHERE extname = :'extension') AS missing,
  EXISTS (SELECT FROM pg_available_extensions WHERE name = :'extension') AS available \gset
\if :missing
\if :available
SET search_path = public;
CREATE EXTENSION :"extension";
\echo made
\else
\echo unknown
\endif
\endif
END
    complain "could not make extension $1 in database $2: $REPLY" extensions
  elif [[ $REPLY == made ]]; then
    say "made extension $1 in database $2"
  elif [[ $REPLY == unknown ]]; then
    complain "could not make extension $1 in database $2: the image does not have it; use an image that does (setting: image), or take the extension out" extensions
  fi
}

# Nothing but a note while the volume is full: what is made here would take the room that was given back.
if [[ -s $EMERGENCY ]]; then
  note "roles, databases and extensions wait until the volume has room again"
  mv -f "$work.said.new" "$work.said"
  exit 1
fi

make_generated
# Every role before the first membership and the first owner.
entries roles
roles=("${MAPFILE[@]}")
declare -A missing=()
for line in "${roles[@]}"; do
  IFS=$'\t' read -r -a fields <<<"$line"
  # The app's database is not everybody's.
  make_role "${fields[0]}" postgres "PASSWORD_${fields[0]}" roles \
    'GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"role";' || missing[${fields[0]}]=1
done
for line in "${roles[@]}"; do
  IFS=$'\t' read -r -a fields <<<"$line"
  [[ -z ${missing[${fields[0]}]:-} ]] || continue
  for group in "${fields[@]:1}"; do make_member "${fields[0]}" "$group" roles; done
done
entries databases
for line in "${MAPFILE[@]}"; do
  IFS=$'\t' read -r -a fields <<<"$line"
  make_database "${fields[0]}" "${fields[1]}"
done
entries extensions
for line in "${MAPFILE[@]}"; do
  IFS=$'\t' read -r -a fields <<<"$line"
  make_extension "${fields[0]}" "${fields[1]}"
done
mv -f "$work.said.new" "$work.said"
exit "$failed"
