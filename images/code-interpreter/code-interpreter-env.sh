# To be sourced: picks the version of a language for this shell and for the commands of execd.
#
#   source /opt/code-interpreter/code-interpreter-env.sh <language> [<version>]
#
# Languages: python, java, node, go. Without a version the default is taken; "list" as version lists what is installed.
# Written for bash. It changes PATH (and JAVA_HOME, GOROOT) and appends the same as KEY=VALUE lines to the file that
# EXECD_ENVS names, from where execd takes them for every command.

_ci_usage() {
  echo "usage: source code-interpreter-env.sh <python|java|node|go> [<version>|list]"
}

# The directories of a language, newest version last.
_ci_installed() {
  case $1 in
    python) ls -d /opt/python/versions/cpython-* 2>/dev/null ;;
    java) ls -d /usr/lib/jvm/java-*-openjdk-* 2>/dev/null ;;
    node) ls -d /opt/node/v* 2>/dev/null ;;
    go) ls -d /opt/go/* 2>/dev/null ;;
  esac | sort -V
}

# The version in the name of such a directory.
_ci_version_of() {
  case $1 in
    python) set -- "${2##*/cpython-}" ;;
    java) set -- "${2##*/java-}" && set -- "${1%%-*}" ;;
    node) set -- "${2##*/v}" ;;
    go) set -- "${2##*/}" ;;
  esac
  echo "$1"
}

# The directory for a version: Java needs the exact major version, the others take the highest with that prefix.
_ci_find() {
  local language=$1 version=${2#v} directory found='' candidate
  while IFS= read -r directory; do
    [ -n "$directory" ] || continue
    candidate=$(_ci_version_of "$language" "$directory")
    case $language:$candidate in
      java:"$version") found=$directory ;;
      java:*) ;;
      *:"$version" | *:"$version".* | *:"$version"-*) found=$directory ;;
    esac
  done <<<"$(_ci_installed "$language")"
  echo "$found"
}

_ci_export() { # NAME VALUE
  export "$1=$2"
  if [ -n "${EXECD_ENVS:-}" ]; then
    { echo "$1=$2" >>"$EXECD_ENVS"; } 2>/dev/null || true
  fi
}

_ci_switch() {
  local language=${1:-} version=${2:-} program home directory
  case $language in
    python) program=python3 version=${version:-${DEFAULT_PY_VERSION:-3.13}} ;;
    java) program=java version=${version:-${DEFAULT_JAVA_VERSION:-21}} ;;
    node) program=node version=${version:-${DEFAULT_NODE_VERSION:-22}} ;;
    go) program=go version=${version:-${DEFAULT_GO_VERSION:-1.25}} ;;
    '')
      _ci_usage
      return 0
      ;;
    *)
      echo "unknown language \"$language\""
      _ci_usage
      return 1
      ;;
  esac
  if [ "$version" = list ]; then
    while IFS= read -r directory; do
      [ -z "$directory" ] || _ci_version_of "$language" "$directory"
    done <<<"$(_ci_installed "$language")"
    return 0
  fi
  home=$(_ci_find "$language" "$version")
  if [ -z "$home" ]; then
    echo "$language $version not found"
    return 1
  fi
  case $language in
    java) _ci_export JAVA_HOME "$home" ;;
    go) _ci_export GOROOT "$home" ;;
  esac
  if [ "$(type -P "$program")" = "$home/bin/$program" ]; then
    _ci_export PATH "$PATH" # chosen already
  else
    _ci_export PATH "$home/bin:$PATH"
  fi
  echo "switched $language to $(_ci_version_of "$language" "$home") ($home)"
}

_ci_switch "$@"
