#!/usr/bin/env bash
# The server's certificate. The server does not read the mounted Secret but a copy that was found usable, kept on the
# volume: a certificate that does not fit its key, or has ended, is then a line of log, and never the reason why a server
# does not come back. With mode self-signed each pod makes its own, by the authority that is mounted, and renews it.
# shellcheck disable=SC2154,SC2034  # variables of lib.sh, and ones that supervisor.sh reads

# Seconds between two looks at how long the certificate still lives.
: "${CERTIFICATE_INTERVAL:=3600}"

tls_sources=(ca.crt ca.key tls.crt tls.key)
seen_tls='' next_look=0 tls_said=''

# read_tls: sets what the settings say of TLS (components/postgres/tls/certificate.ts)
read_tls() {
  local key value
  tls_mode=off tls_secret='' tls_days=90 tls_renew_before=30 tls_hosts=() tls_names=()
  [[ -r $CONFIG_DIR/tls ]] || return 0
  while read -r key value; do
    case $key in
    mode) tls_mode=$value ;;
    secret) tls_secret=$value ;;
    days) tls_days=$value ;;
    renew-before) tls_renew_before=$value ;;
    host) tls_hosts+=("${value/#\*./$POD_NAME.}") ;;
    name) tls_names+=("${value/#\*./$POD_NAME.}") ;;
    esac
  done <"$CONFIG_DIR/tls"
}

# certificate_changed: there may be another certificate than the one that was last looked at
certificate_changed() {
  # Not for anybody who says what is in it later: there is a key in it.
  local REPLY
  contents "$CONFIG_DIR/tls" "${tls_sources[@]/#/$TLS_DIR/}"
  if [[ $REPLY != "$seen_tls" ]]; then
    seen_tls=$REPLY next_look=$((EPOCHSECONDS + CERTIFICATE_INTERVAL))
    return 0
  fi
  [[ $tls_mode != off ]] || return 1
  # One that somebody removed is wanted anew.
  if has_certificate && ((EPOCHSECONDS < next_look)); then return 1; fi
  next_look=$((EPOCHSECONDS + CERTIFICATE_INTERVAL))
}

# adopt_certificate: makes the certificate that the settings ask for the server's; fails when the server keeps what it
# has, for there is nothing new, or nothing usable, which is then said
adopt_certificate() {
  local new=$VOLUME/.tls.$EPOCHREALTIME
  read_tls
  # The one in use goes with the settings that need it: see drop_certificate.
  [[ $tls_mode != off ]] || return 1
  if ! command -v openssl >/dev/null; then
    ((server)) || die "this image has no openssl, which the pods check and make certificates by" \
      "use an image that has it, such as the official Debian image postgres:16 (setting: image), or set tls.mode to off"
    complain_tls "this image has no openssl"
    return 1
  fi
  if is_current; then
    warn_of_end
    return 1
  fi
  # What an earlier try left behind, whichever step it was interrupted at.
  discard_certificates
  if ! (umask 077 && mkdir "$new") 2>/dev/null 9>&-; then
    complain_tls "cannot write to $VOLUME"
  elif gather "$new" && check_certificate "$new"; then
    # One rename, as the kubelet does it: a server that starts finds both files of one pair.
    if ln -sfn "${new##*/}" "$ACTIVE_TLS.new" 9>&- && mv -T -- "$ACTIVE_TLS.new" "$ACTIVE_TLS" 9>&-; then
      tls_said=''
      rm -f "$RUN_DIR/tls.said" 9>&-
      # Settings that waited for it are looked at again.
      if ((config_waits)); then config_waits=0 seen_config=''; fi
      say "the certificate is $REPLY"
      discard_certificates
      return 0
    fi
    complain_tls "cannot write to $VOLUME"
  else
    complain_tls "$REPLY"
  fi
  rm -rf -- "$new" 9>&-
  return 1
}

# drop_certificate: once settings without TLS are the active ones; not before, for those with TLS do not start without it
drop_certificate() {
  if [[ $tls_mode == off && (-e $ACTIVE_TLS || -L $ACTIVE_TLS) ]]; then
    rm -rf -- "$ACTIVE_TLS" "$VOLUME"/.tls.* 9>&-
  fi
}

# complain_tls REASON: once for each reason; kept for report.sh
complain_tls() {
  [[ $1 != "$tls_said" ]] || return 0
  tls_said=$1
  printf '%s\n' "$1" >"$RUN_DIR/tls.said"
  unusable_certificate "$1"
  say "$REPLY"
}

# unusable_certificate REASON: sets REPLY to what that means
unusable_certificate() {
  REPLY="Secret $tls_secret has no usable certificate"
  if has_certificate; then REPLY+=", the previous one stays in use"; fi
  REPLY+=": $1"
}

# discard_certificates: all but the one in use
discard_certificates() {
  local directory
  for directory in "$VOLUME"/.tls.*; do
    [[ ! -d $directory || $directory -ef $ACTIVE_TLS ]] || rm -rf -- "$directory" 9>&-
  done
}

# is_current: the certificate in use is the one that the settings ask for, and need not be renewed
is_current() {
  has_certificate || return 1
  if [[ $tls_mode != self-signed ]]; then
    same "$TLS_DIR/tls.crt" "$ACTIVE_TLS/tls.crt" && same "$TLS_DIR/tls.key" "$ACTIVE_TLS/tls.key" &&
      same "$TLS_DIR/ca.crt" "$ACTIVE_TLS/ca.crt"
    return
  fi
  same "$TLS_DIR/ca.crt" "$ACTIVE_TLS/ca.crt" && same "$CONFIG_DIR/tls" "$ACTIVE_TLS/settings" && lives "$tls_renew_before"
}

# same FILE FILE: both are there, with the same text. Of zero bytes, which no PEM has, bash would complain in the log.
same() { [[ -r $1 && -r $2 && $(<"$1") == "$(<"$2")" ]]; } 2>/dev/null

# lives DAYS: the certificate in use does so
lives() { openssl x509 -in "$ACTIVE_TLS/tls.crt" -noout -checkend $(($1 * 86400)) >/dev/null 2>&1 9>&-; }

# is_ending: the certificate in use ends soon, and somebody else has to renew it; REPLY is the warning
is_ending() {
  if [[ $tls_mode == self-signed ]] || lives 14; then return 1; fi
  certificate_end "$ACTIVE_TLS"
  REPLY="the certificate of Secret $tls_secret ends on $REPLY and was not renewed: clients that verify it will refuse it"
}

# warn_of_end: once for each end
warn_of_end() {
  is_ending || return
  if [[ $tls_said != "$REPLY" ]]; then say "$REPLY"; fi
  tls_said=$REPLY
}

# has_files: the Secret has all that a certificate comes from; else REPLY says what it has not
has_files() {
  local file
  local -a files=(tls.crt tls.key ca.crt)
  if [[ $tls_mode == self-signed ]]; then files=(ca.crt ca.key); fi
  for file in "${files[@]}"; do
    if [[ ! -s $TLS_DIR/$file ]]; then
      REPLY="it has no $file"
      return 1
    fi
  done
}

# gather DIRECTORY: puts authority, certificate and key there; fails with the reason in REPLY
gather() {
  local file
  has_files || return 1
  for file in tls.crt tls.key ca.crt; do
    if [[ $tls_mode == self-signed && $file != ca.crt ]]; then continue; fi
    (umask 077 && cat -- "$TLS_DIR/$file" >"$1/$file") 2>/dev/null 9>&- || { REPLY="cannot write to $VOLUME" && return 1; }
  done
  [[ $tls_mode != self-signed ]] || make_certificate "$1"
}

# make_certificate DIRECTORY: a key that never leaves the pod, and a certificate of it for the pod's names
make_certificate() {
  local names serial
  names=$(printf ',DNS:%s' "${tls_hosts[@]}" "${tls_names[@]}")
  printf -v serial '%x%04x%04x%04x' "${EPOCHREALTIME/[!0-9]/}" "$ORDINAL" "$RANDOM" "$RANDOM"
  printf '%s\n' '[req]' 'prompt = no' 'distinguished_name = subject' '[subject]' "CN = $POD_NAME" \
    '[server]' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
    'extendedKeyUsage = serverAuth' 'authorityKeyIdentifier = keyid' "subjectAltName = ${names#,}" \
    >"$RUN_DIR/certificate.conf"
  cat "$CONFIG_DIR/tls" >"$1/settings" 9>&-
  {
    (umask 077 && openssl req -new -config "$RUN_DIR/certificate.conf" -newkey ec \
      -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/tls.key" -out "$RUN_DIR/certificate.csr") &&
      openssl x509 -req -in "$RUN_DIR/certificate.csr" -CA "$1/ca.crt" -CAkey "$TLS_DIR/ca.key" -set_serial "0x$serial" \
        -days "$tls_days" -sha256 -extfile "$RUN_DIR/certificate.conf" -extensions server -out "$1/tls.crt"
  } >"$RUN_DIR/certificate.log" 2>&1 9>&- && return 0
  mapfile -t <"$RUN_DIR/certificate.log"
  last 3
  REPLY="openssl could not make a certificate: ${MAPFILE[*]}"
  return 1
}

# check_certificate DIRECTORY: what would keep a server from starting, or its clients from verifying it, fails with the
# reason in REPLY; a usable one is described there. Each call of openssl costs a start its time: about 20 ms of a core.
check_certificate() {
  local certificate=$1/tls.crt key=$1/tls.key text of_key host words
  REPLY=
  # The server reads every block, and knows no DER; openssl's commands would make do with the first one of either.
  if [[ $tls_mode != self-signed ]] && ! openssl crl2pkcs7 -nocrl -certfile "$certificate" >/dev/null 2>&1 9>&-; then
    REPLY="tls.crt has a block that is no PEM of a certificate"
    return 1
  fi
  text=$(openssl x509 -inform PEM -in "$certificate" -noout -pubkey -enddate -serial -text 2>/dev/null 9>&-) || { REPLY="tls.crt is no PEM of a certificate" && return 1; }
  # What this pod has just made need not be looked at for more than the authority's certificate and key being a pair.
  if [[ $tls_mode != self-signed ]]; then
    # An empty passphrase is one, too: the server asks for it.
    if grep -q ENCRYPTED "$key" 9>&- || ! of_key=$(openssl pkey -inform PEM -in "$key" -pubout -passin pass: 2>/dev/null 9>&-); then
      REPLY="tls.key is no PEM of a private key without passphrase"
      return 1
    fi
    if [[ $text != "$of_key"$'\n'* ]]; then
      REPLY="tls.key is not the key of tls.crt"
      return 1
    fi
    if [[ $text =~ 'ASN1 OID: '([A-Za-z0-9-]+) ]]; then
      case ${BASH_REMATCH[1]} in
      prime256v1 | secp384r1 | secp521r1) ;;
      *)
        REPLY="tls.crt has a key on the curve ${BASH_REMATCH[1]}, which clients do not speak: use P-256, P-384 or P-521"
        return 1
        ;;
      esac
    fi
    if ! openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null 2>&1 9>&-; then
      certificate_end "$1"
      REPLY="tls.crt ended on $REPLY"
      return 1
    fi
  fi
  # Debian's servers refuse keys and signatures below level 2, and would not start.
  words=$(openssl verify -purpose sslserver -auth_level 2 -no-CApath -CAfile "$1/ca.crt" -untrusted "$certificate" "$certificate" 2>&1 9>&-) || {
    words=${words//$'\n'/; }
    REPLY="ca.crt does not verify tls.crt: ${words#*error }"
    return 1
  }
  if [[ $tls_mode != self-signed ]]; then
    for host in "${tls_hosts[@]}"; do
      words=$(openssl x509 -in "$certificate" -noout -checkhost "$host" 2>&1 9>&-)
      if [[ $words == *NOT* ]]; then
        REPLY="tls.crt is not for $host, which clients and replicas connect to"
        return 1
      fi
    done
  fi
  text=${text#*notAfter=} words=${text%%$'\n'*}
  text=${text#*serial=}
  REPLY="of serial number ${text%%$'\n'*}, and ends on $words"
}

# certificate_end DIRECTORY: sets REPLY
certificate_end() {
  REPLY=$(openssl x509 -in "$1/tls.crt" -noout -enddate 2>/dev/null 9>&-)
  REPLY=${REPLY#*=}
}

# starts_without_tls: the last valid settings need no certificate: the server starts with them, and takes over the new
# ones when there is one
starts_without_tls() { [[ -r $ACTIVE_CONFIG/postgresql.conf ]] && ! grep -q '^ssl = on' "$ACTIVE_CONFIG/postgresql.conf" 9>&-; }

# certificate_for_start: before a server starts; waits for a certificate as long as it takes, and says so every 10 seconds
certificate_for_start() {
  local waited=0
  if certificate_changed; then adopt_certificate; fi
  until [[ $tls_mode == off ]] || has_certificate || starts_without_tls; do
    if ((waited % 50 == 0)); then say "waiting for a usable certificate in Secret $tls_secret: ${tls_said:-it cannot be read}"; fi
    waited=$((waited + 1))
    pause 0.2
    if certificate_changed; then adopt_certificate; fi
  done
}
