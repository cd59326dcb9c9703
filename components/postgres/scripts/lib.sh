#!/usr/bin/env bash
# What every script of the pod shares: where things are, how to say something, how to give up, and how to run a program
# without becoming deaf to SIGTERM (bash runs a trap only between foreground programs, so none is run in the foreground).
# shellcheck disable=SC2034  # the other scripts use these variables

set -uo pipefail

# Mounts of the pod; tests put them elsewhere.
: "${VOLUME:=/var/lib/postgresql/data}"
: "${PGDATA:=$VOLUME/pgdata}"
: "${CONFIG_DIR:=/etc/postgres/config}"
: "${SECRETS_DIR:=/etc/postgres/secrets}"
: "${LATCH_DIR:=/etc/postgres/latch}"
: "${TLS_DIR:=/etc/postgres/tls}"
: "${RUN_DIR:=/run/postgresql}"
: "${TERMINATION_LOG:=/dev/termination-log}"
: "${PGPORT:=5432}"
: "${POD_NAME:=$HOSTNAME}"
: "${STATEFULSET:=${POD_NAME%-*}}"
: "${HEADLESS_SERVICE:=$STATEFULSET-svc}"
: "${PRIMARY_HOST:=$STATEFULSET-0.$HEADLESS_SERVICE}"
: "${PRIMARY_PORT:=$PGPORT}"
# The other pods' host names; %d is the ordinal.
: "${PEER_HOST_PATTERN:=$STATEFULSET-%d.$HEADLESS_SERVICE}"
# How long ordinal 0 with an empty volume waits for the replicas of a cluster that was ready before.
: "${PEER_PATIENCE:=120}"
# Where this pod's own server answers over TCP.
: "${SELF_HOST:=127.0.0.1}"
: "${POSTGRES_DB:=myapp}"
: "${POSTGRES_USER:=appuser}"
export PGPORT VOLUME PGDATA CONFIG_DIR SECRETS_DIR LATCH_DIR RUN_DIR TERMINATION_LOG POD_NAME PRIMARY_HOST PRIMARY_PORT
export SELF_HOST POSTGRES_DB POSTGRES_USER
# Anything of libpq's that the environment may hold would change whom we talk to.
unset PGPASSWORD PGPASSFILE PGHOST PGUSER PGDATABASE PGOPTIONS PGSERVICE PGSERVICEFILE POSTGRES_PASSWORD REPLICATION_PASSWORD

# For every session of ours: what the owner of a database gives it (ALTER DATABASE ... SET) must not reach the superuser.
# Functions of others would be called in place of PostgreSQL's; in an encoding whose characters may end in a backslash or
# swallow a quote, psql would take a part of a name for a command of its own (our experiment, GBK; test/bootstrap/access);
# and another role would take the rights away.
SAFE='-c search_path=pg_catalog -c client_encoding=UTF8 -c standard_conforming_strings=on -c role=none'

ORDINAL=${POD_NAME##*-}
REPLICATION_USER=replicator
READONLY_USER='readonly'
MONITORING_USER=monitoring
BUILD=$VOLUME/.pgdata.new          # initialise and clone build here; only a complete directory becomes PGDATA
ACTIVE_CONFIG=$VOLUME/config       # the settings that were last found valid; the server reads these
ACTIVE_TLS=$VOLUME/tls              # the certificate that was last found usable; a link to its directory, see tls.sh
RESERVE=$VOLUME/.reserve           # room that is given back when the volume is full
EMERGENCY=$RUN_DIR/emergency.conf  # settings while the volume is full; the active configuration includes it
PASSFILE=$RUN_DIR/replicator.pgpass
PREPARING=$RUN_DIR/preparing       # exists while there is, rightly, no server: tells the liveness probe to be patient
HOLDING=$RUN_DIR/holding           # exists while ordinal 0 waits for replicas: lets the readiness probe pass, see rebuild.sh
NEW_CLUSTER=$RUN_DIR/new-cluster   # exists until a new cluster has its passwords: keeps the readiness probe waiting
SLOT=replica_$ORDINAL

# say WORDS...: one line of log
say() {
  local now=${EPOCHREALTIME//[!0-9]/}
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%S)T.%sZ %s supervisor: %s\n' "${now:0:-6}" "${now: -6:3}" "$POD_NAME" "$*"
}

# die LINE...: the pod's last words, in the log and where Kubernetes shows them (kubectl describe pod)
die() {
  local line
  for line in "$@"; do say "$line"; done
  { printf '%s\n' "$@" >"$TERMINATION_LOG"; } 2>/dev/null
  exit 1
}

# The image's own directory of programs. Debian's /usr/bin has wrappers that cost 50 ms each, hence PATH comes last.
find_programs() {
  local version directory best='' wanted=''
  [[ -f $PGDATA/PG_VERSION ]] && read -r wanted <"$PGDATA/PG_VERSION"
  for directory in /usr/lib/postgresql/*/bin; do
    [[ -x $directory/postgres ]] || continue
    version=${directory%/bin} version=${version##*/}
    if [[ $version == "$wanted" ]]; then best=$directory && break; fi
    if [[ -z $best || $version > ${best//[!0-9]/} ]]; then best=$directory; fi
  done
  if [[ -z $best ]]; then
    best=$(command -v postgres) || die "no PostgreSQL programs in this image: neither /usr/lib/postgresql/*/bin nor PATH has them" \
      "use an image that contains PostgreSQL 14 or later, such as the official postgres image (setting: image)"
    best=${best%/*}
  fi
  PG_BIN=$best
}

# --- programs that can be interrupted ---------------------------------------------------------------------------------

: "${stopping:=0}" # becomes 1 at the first SIGTERM, SIGINT or SIGQUIT
child=0           # the program that runs now, and the signal that ends it
child_signal=TERM
server=0          # the server, when it runs
was_ready=0       # whether the server has accepted connections
farewell=         # the checkpoint before a shutdown: "wanted", or its process

on_stop() {
  if ((child)); then kill -s "$child_signal" "$child" 2>/dev/null; fi
  if ((server)); then
    # Most of a shutdown is writing what memory holds, so that is done first, while clients are still served.
    # A second signal is impatience.
    if ((was_ready && !stopping)); then farewell=wanted; else kill -s INT "$server" 2>/dev/null; fi
  fi
  stopping=1
}

# run PROGRAM ARGUMENT...: runs a program to its end and returns its status; asked to stop meanwhile, ends it and leaves
run() {
  local status
  "$@" <&0 &
  child=$!
  # The signal may have come before there was a child to pass it on to.
  if ((stopping)); then kill "$child" 2>/dev/null; fi
  while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
    if ((stopping)); then await_end "$child" && break; fi
  done
  child=0
  if ((stopping)); then leave; fi
  return "$status"
}

# await_end PROCESS: until one that was killed is gone. Not by "wait": once a signal has interrupted a wait, bash 5.2 now and
# then waits for ever for a child that was killed after that (about one in a thousand times; our experiment).
await_end() { while kill -0 "$1" 2>/dev/null; do sleep 0.02 9>&-; done; }

# pause SECONDS: sleeps without keeping the volume's lock
pause() { run sleep "$1" 9>&-; }

# leave: ends on request, cleanly
leave() {
  say "stopped on request"
  exit 0
}

# --- small things -----------------------------------------------------------------------------------------------------

# server_state: sets REPLY to starting, ready, standby, stopping or nothing; the postmaster writes it in its lock file
server_state() {
  local -a line=()
  REPLY=
  [[ -r $PGDATA/postmaster.pid ]] || return
  # The server may remove it in between.
  { mapfile -t line <"$PGDATA/postmaster.pid"; } 2>/dev/null
  REPLY=${line[7]:-}
  REPLY=${REPLY%% *}
}

# last COUNT: keeps the last COUNT lines of MAPFILE (an offset beyond its length would give none of them)
last() { if ((${#MAPFILE[@]} > $1)); then MAPFILE=("${MAPFILE[@]: -$1}"); fi; }

# contents FILE...: sets REPLY to all the files' contents; reads without starting a program, for it is called every second
contents() {
  local file part
  REPLY=
  for file in "$@"; do
    part=
    if [[ -r $file ]]; then IFS= read -r -d '' part <"$file"; fi
    REPLY+="$file=$part;"
  done
}

# secret NAME: sets REPLY to a password; the newline that an editor or echo leaves at the end is not part of it
secret() {
  REPLY=
  [[ -r $SECRETS_DIR/$1 ]] || return 1
  IFS= read -r -d '' REPLY <"$SECRETS_DIR/$1"
  while [[ $REPLY == *$'\n' || $REPLY == *$'\r' ]]; do REPLY=${REPLY%?}; done
  [[ -n $REPLY && $REPLY != *$'\n'* ]]
}

# write_passfile FILE ROLE PASSWORD: libpq ignores a password file that others may read, so the Secret's own will not do
write_passfile() {
  local password=${3//\\/\\\\}
  password=${password//:/\\:}
  local role=${2//\\/\\\\}
  role=${role//:/\\:}
  (umask 077 && printf '*:*:*:%s:%s\n' "$role" "$password" >"$1.new") && mv -f "$1.new" "$1"
}

# refresh_passfile: the replication role's password, for the server's own connections and for our questions
refresh_passfile() {
  secret REPLICATION_PASSWORD || return 1
  write_passfile "$PASSFILE" "$REPLICATION_USER" "$REPLY"
}

# has_certificate: the server has a certificate, and its connections to others have an authority to verify theirs by
has_certificate() { [[ -s $ACTIVE_TLS/tls.crt && -s $ACTIVE_TLS/tls.key && -s $ACTIVE_TLS/ca.crt ]]; }

# tls_of_client: how our connections to other pods are encrypted
tls_of_client() {
  if has_certificate; then printf ' sslmode=verify-full sslrootcert=%s' "$ACTIVE_TLS/ca.crt"; fi
}

# conninfo HOST DATABASE NAME: how the replication role connects; a link that is dead is noticed within about 10 seconds
conninfo() {
  printf '%s' "host=$1 port=$PRIMARY_PORT dbname=$2 user=$REPLICATION_USER passfile=$PASSFILE application_name=$3" \
    "$(tls_of_client) connect_timeout=5 keepalives=1 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=10000"
}

# control FIELD [DIRECTORY]: sets REPLY to a line of the control file, empty when it cannot be read
control() {
  REPLY=$(LC_ALL=C "$PG_BIN/pg_controldata" -D "${2:-$PGDATA}" 2>/dev/null 9>&-)
  REPLY=$'\n'$REPLY$'\n'
  [[ $REPLY == *$'\n'"$1:"* ]] || { REPLY='' && return 1; }
  REPLY=${REPLY#*$'\n'"$1:"}
  REPLY=${REPLY%%$'\n'*}
  REPLY=${REPLY#"${REPLY%%[! ]*}"}
}

# lsn_number LSN: sets REPLY to a WAL position as a number
lsn_number() {
  REPLY=0
  [[ $1 =~ ^([0-9A-Fa-f]+)/([0-9A-Fa-f]+)$ ]] && REPLY=$(((16#${BASH_REMATCH[1]} << 32) | 16#${BASH_REMATCH[2]}))
}

# has_cluster: PGDATA holds a complete cluster; it is renamed into place whole, so a part means that someone else made it
has_cluster() { [[ -s $PGDATA/PG_VERSION && -s $PGDATA/global/pg_control ]]; }

# is_vacant: there is nothing where PGDATA goes
is_vacant() {
  [[ ! -e $PGDATA && ! -L $PGDATA ]] && return 0
  [[ -d $PGDATA ]] || return 1
  local -a entries
  shopt -s nullglob dotglob
  entries=("$PGDATA"/*)
  shopt -u nullglob dotglob
  ((${#entries[@]} == 0))
}

# discard_build: throws away what an interrupted initialise or clone left
discard_build() { [[ ! -e $BUILD ]] || run rm -rf -- "$BUILD"; }

# publish: makes the finished directory PGDATA, all of it or nothing even if the machine loses power
publish() {
  run "$PG_BIN/initdb" --sync-only -D "$BUILD" >"$RUN_DIR/sync.log" 2>&1 || {
    mapfile -t <"$RUN_DIR/sync.log"
    die "could not write the new data directory to disk:" "${MAPFILE[@]}"
  }
  # -T: never into an existing directory; the same file system: never a copy.
  run mv -T -- "$BUILD" "$PGDATA" || die "could not rename $BUILD to $PGDATA"
  run sync "$VOLUME" 2>/dev/null || run sync
}
