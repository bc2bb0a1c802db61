#!/bin/sh
# Starts execd and then the user's command inside a sandbox. Usually process 1.
#
#   bootstrap.sh CMD ARG...    runs CMD with these arguments
#   bootstrap.sh -c WORD...    runs the words, joined by spaces, in a shell
#   bootstrap.sh               runs a shell without input, which ends at once
#
# Environment: EXECD (command line of the daemon), EXECD_ENVS (env file of commands), EXECD_BOOTSTRAP_PRE_SCRIPT (sourced
# before execd starts), BOOTSTRAP_CMD (replaces the arguments), BOOTSTRAP_SHELL (bash, else sh),
# OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT (waits for the egress proxy's certificate authority and trusts it).
#
# Exits with the command's status, or with 0 after TERM, which is passed on to the command.
set -e

ca_file=/opt/opensandbox/mitmproxy-ca-cert.pem
ca_merged=/opt/opensandbox/merged-ca-certificates.pem
ca_nickname=opensandbox-mitmproxy
ca_wait_seconds=300

warn() { echo "warning: $*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

is_truthy() {
  case $1 in
    1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) return 0 ;;
    *) return 1 ;;
  esac
}

# --- Trust in the certificate authority of the egress proxy. Every failure is a warning. ---

as_root() {
  if [ "$(id -u 2>/dev/null)" != 0 ] && has sudo; then
    sudo -n "$@"
  else
    "$@"
  fi
}

wait_for_ca() {
  waited=0
  while [ ! -s "$ca_file" ]; do
    if [ "$waited" -ge "$ca_wait_seconds" ]; then
      warn "no mitmproxy CA at $ca_file after ${ca_wait_seconds}s; going on without it"
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
  echo "mitmproxy CA found at $ca_file after ${waited}s"
}

install_ca() { # TARGET COMMAND...
  target=$1
  shift
  as_root mkdir -p "$(dirname "$target")" && as_root cp "$ca_file" "$target" && as_root "$@"
}

trust_in_system_store() {
  if has update-ca-certificates; then
    install_ca /usr/local/share/ca-certificates/opensandbox-mitmproxy-ca.crt update-ca-certificates ||
      warn "update-ca-certificates failed; the system store does not have the mitmproxy CA"
  elif has update-ca-trust; then
    install_ca /etc/pki/ca-trust/source/anchors/opensandbox-mitmproxy-ca.pem update-ca-trust extract ||
      as_root update-ca-trust ||
      warn "update-ca-trust failed; the system store does not have the mitmproxy CA"
  else
    warn "neither update-ca-certificates nor update-ca-trust found; the system store does not have the mitmproxy CA"
  fi
}

find_certifi() {
  for python in python3 python; do
    if has "$python" && "$python" -c 'import certifi; print(certifi.where())' 2>/dev/null; then return 0; fi
  done
}

merge_bundle() {
  for bundle in "$(find_certifi)" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem \
    /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem; do
    if [ -n "$bundle" ] && [ -s "$bundle" ]; then
      # The line end between them, in case the bundle lacks its last one.
      { cat "$bundle" && echo && cat "$ca_file"; } >"$ca_merged" 2>/dev/null && return 0
      warn "cannot write $ca_merged"
      return 1
    fi
  done
  warn "no root bundle found; only the mitmproxy CA is trusted"
  return 1
}

trust_in_nss() {
  if ! has certutil || [ ! -d "${HOME:-}" ]; then return 0; fi
  nss=$HOME/.pki/nssdb
  if [ -e "$nss/cert9.db" ]; then
    database=sql:$nss
  elif [ -e "$nss/cert8.db" ]; then
    database=dbm:$nss
  else
    database=sql:$nss
    if ! mkdir -p "$nss" || ! certutil -N -d "$database" --empty-password; then
      warn "cannot create the NSS database $nss"
      return 0
    fi
  fi
  certutil -D -d "$database" -n "$ca_nickname" >/dev/null 2>&1 || :
  certutil -A -d "$database" -n "$ca_nickname" -t C,, -i "$ca_file" || warn "cannot add the mitmproxy CA to $database"
}

trust_ca() {
  wait_for_ca || return 0
  trust_in_system_store
  # Node adds this to its own roots; the other two replace them.
  NODE_EXTRA_CA_CERTS=$ca_file
  REQUESTS_CA_BUNDLE=$ca_file
  if merge_bundle; then REQUESTS_CA_BUNDLE=$ca_merged; fi
  SSL_CERT_FILE=$REQUESTS_CA_BUNDLE
  export NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE SSL_CERT_FILE
  trust_in_nss
}

# --- execd ---

prepare_env_file() {
  EXECD_ENVS=${EXECD_ENVS:-/opt/opensandbox/.env}
  export EXECD_ENVS
  # Nothing is started for what is there already: the sandbox waits for this.
  case $EXECD_ENVS in
    */*) [ -d "${EXECD_ENVS%/*}/" ] || mkdir -p "${EXECD_ENVS%/*}/" 2>/dev/null ||
      warn "failed to create the directory of $EXECD_ENVS" ;;
  esac
  { true >>"$EXECD_ENVS"; } 2>/dev/null || warn "failed to touch $EXECD_ENVS"
}

# --- The user's command ---

find_shell() {
  if [ -n "${BOOTSTRAP_SHELL:-}" ]; then
    echo "$BOOTSTRAP_SHELL"
  elif has bash; then
    command -v bash
  elif has sh; then
    command -v sh
  else
    echo "error: neither bash nor sh found in PATH" >&2
    return 1
  fi
}

on_term() {
  terminated=1
  if [ -n "$command_pid" ]; then kill -TERM "$command_pid" 2>/dev/null || :; fi
}

# Until the command runs there is nothing to pass TERM on to.
trap 'exit 0' TERM

if is_truthy "${OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT:-}"; then trust_ca; fi
EXECD=${EXECD:-/opt/opensandbox/execd}
prepare_env_file

# Sourced here and not in a function, so that it may change the arguments too.
if [ -n "${EXECD_BOOTSTRAP_PRE_SCRIPT:-}" ]; then
  if [ -f "$EXECD_BOOTSTRAP_PRE_SCRIPT" ] && [ -r "$EXECD_BOOTSTRAP_PRE_SCRIPT" ]; then
    case $EXECD_BOOTSTRAP_PRE_SCRIPT in
      */*) . "$EXECD_BOOTSTRAP_PRE_SCRIPT" ;;
      *) . "./$EXECD_BOOTSTRAP_PRE_SCRIPT" ;;
    esac
  else
    warn "EXECD_BOOTSTRAP_PRE_SCRIPT $EXECD_BOOTSTRAP_PRE_SCRIPT is not a readable file"
  fi
fi

echo "starting OpenSandbox Execd daemon at $EXECD."
# Unquoted: further words are the daemon's arguments.
$EXECD &

shell=$(find_shell)
terminated=
command_pid=
trap on_term TERM
if [ -n "${BOOTSTRAP_CMD:-}" ]; then
  "$shell" -c "$BOOTSTRAP_CMD" &
elif [ $# -eq 0 ]; then
  "$shell" &
elif [ "$1" = -c ]; then
  shift
  "$shell" -c "$*" &
else
  "$@" &
fi
command_pid=$!
# TERM may have come just before the process id was known.
if [ -n "$terminated" ]; then on_term; fi

status=0
wait "$command_pid" || status=$?
if [ -n "$terminated" ]; then
  # The signal interrupted the wait; the command may take its time.
  while kill -0 "$command_pid" 2>/dev/null; do wait "$command_pid" || :; done
  status=0
fi
exit "$status"
