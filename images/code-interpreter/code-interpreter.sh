#!/bin/bash
# Entrypoint of the code-interpreter image: picks the versions, registers the kernels and runs the Jupyter server that execd
# talks to. With an empty JUPYTER_HOST no server is started: execd then starts kernels itself and this script just waits.
set -u

here=/opt/code-interpreter

# EXECD_CLONE3_COMPAT: hosts with an old seccomp profile need clone3 to fail with ENOSYS.
compat=${EXECD_CLONE3_COMPAT:-}
case ${compat,,} in
  '' | 0 | false | off | no) ;;
  1 | true | yes | on | reexec)
    if [ -z "${_CODE_INTERPRETER_CLONE3_WRAPPED:-}" ]; then
      if [ -x /usr/local/bin/clone3-workaround ]; then
        unset EXECD_CLONE3_COMPAT
        export _CODE_INTERPRETER_CLONE3_WRAPPED=1
        exec /usr/local/bin/clone3-workaround "$0" "$@"
      fi
      echo "code-interpreter: /usr/local/bin/clone3-workaround is missing; going on without it" >&2
    fi
    unset EXECD_CLONE3_COMPAT
    ;;
  *)
    echo "code-interpreter: EXECD_CLONE3_COMPAT must be one of 1, true, yes, on, reexec, 0, false, off, no, not \"$compat\"" >&2
    exit 1
    ;;
esac

# An explicit choice is remembered for interactive shells; an older choice for the language is replaced.
remember() { # LANGUAGE VERSION
  local file=${BASHRC_FILE:-/root/.bashrc} line="source $here/code-interpreter-env.sh $1"
  touch "$file" 2>/dev/null || return 0
  sed -i "\\#^$line #d" "$file"
  echo "$line $2" >>"$file"
}

choose() { # LANGUAGE CHOICE DEFAULT
  [ -z "$2" ] || remember "$1" "$2"
  source "$here/code-interpreter-env.sh" "$1" "${2:-$3}"
}

choose python "${PYTHON_VERSION:-}" 3.11
choose java "${JAVA_VERSION:-}" 17
choose node "${NODE_VERSION:-}" 18
choose go "${GO_VERSION:-}" 1.19
if command -v go >/dev/null; then
  PATH="$(go env GOPATH)/bin:$PATH"
  export PATH
fi
[ -z "${EXECD_ENVS:-}" ] || { echo "PATH=$PATH" >>"$EXECD_ENVS"; } 2>/dev/null || true

has_kernel() { # NAME
  local directory
  for directory in /root/.local/share/jupyter /usr/local/share/jupyter /usr/share/jupyter "$(dirname "$(dirname "$(command -v python3)")")/share/jupyter"; do
    [ ! -e "$directory/kernels/$1/kernel.json" ] || return 0
  done
  return 1
}

# Kernels are registered beside the server; execd asks again until the one it wants is there.
has_kernel python || python3 -m ipykernel install --name python --display-name Python >/dev/null 2>&1 &
has_kernel bash || python3 -m bash_kernel.install >/dev/null 2>&1 &
if ! has_kernel tslab || ! has_kernel jslab; then
  (
    command -v tslab >/dev/null || npm install -g tslab >/dev/null 2>&1
    tslab install >/dev/null 2>&1
  ) &
fi

cd /workspace 2>/dev/null || cd /
if [ -z "${JUPYTER_HOST-unset}" ]; then
  exec sleep infinity
fi
exec jupyter notebook --ip=127.0.0.1 --port="${JUPYTER_PORT:-44771}" --allow-root --no-browser \
  --NotebookApp.token="${JUPYTER_TOKEN:-opensandboxcodeinterpreterjupyter}" >"$here/jupyter.log" 2>&1
