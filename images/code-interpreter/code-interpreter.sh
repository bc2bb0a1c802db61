#!/bin/bash
# Entrypoint of the code-interpreter image: picks the versions, registers kernels that are missing and runs the Jupyter
# server that execd talks to. With an empty JUPYTER_HOST no server is started: execd then starts kernels itself, and this
# script just waits.
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

choose() { # LANGUAGE CHOICE
  [ -z "$2" ] || remember "$1" "$2"
  source "$here/code-interpreter-env.sh" "$1" "$2"
}

choose python "${PYTHON_VERSION:-}"
choose java "${JAVA_VERSION:-}"
choose node "${NODE_VERSION:-}"
choose go "${GO_VERSION:-}"
if command -v go >/dev/null; then
  go_programs=$(go env GOPATH)/bin
  [[ :$PATH: == *:$go_programs:* ]] || export PATH="$go_programs:$PATH"
fi
[ -z "${EXECD_ENVS:-}" ] || { echo "PATH=$PATH" >>"$EXECD_ENVS"; } 2>/dev/null || true

has_kernel() { # NAME
  local directory
  for directory in /root/.local/share/jupyter /usr/local/share/jupyter /usr/share/jupyter; do
    [ ! -e "$directory/kernels/$1/kernel.json" ] || return 0
  done
  return 1
}

# Whoever removed a kernel's spec gets it again, beside the server's start; execd asks until the one it wants is there.
has_kernel python || python3 -m ipykernel install --name python --display-name Python >/dev/null 2>&1 &
has_kernel bash || "$here/venv/bin/python3" -m bash_kernel.install >/dev/null 2>&1 &
if ! has_kernel tslab || ! has_kernel jslab; then
  (
    command -v tslab >/dev/null || npm install -g tslab >/dev/null 2>&1
    tslab install "--python=$here/venv/bin/python3" >/dev/null 2>&1
  ) &
fi

cd /workspace 2>/dev/null || cd /
if [ -z "${JUPYTER_HOST-unset}" ]; then
  # SDKs take the interpreter for ready when something listens on this port; without a server execd is what serves code.
  [ -z "${EXECD_ENVS:-}" ] || { echo "JUPYTER_PORT=44772" >>"$EXECD_ENVS"; } 2>/dev/null || true
  exec sleep infinity
fi
# The token is handed over in the environment, where `ps` does not show it. The root is / so that a context's directory,
# which execd sends as the session's path, is the kernel's. A kernel's death is to be noticed within half a second, and the
# limit for output is execd's.
export JUPYTER_TOKEN=${JUPYTER_TOKEN:-opensandboxcodeinterpreterjupyter}
exec "$here/venv/bin/python3" -m jupyter_server --config=/root/.jupyter/jupyter_notebook_config.py --ip=127.0.0.1 \
  --port="${JUPYTER_PORT:-44771}" --ServerApp.port_retries=0 --ServerApp.root_dir=/ --allow-root --no-browser \
  --KernelRestarter.time_to_dead=0.3 --ZMQChannelsWebsocketConnection.limit_rate=False \
  >"$here/jupyter.log" 2>&1
