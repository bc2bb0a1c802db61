# Sourced by ./quickstart and ./test: runs a server of this checkout on loopback, with state of its own and a
# generated API key that is only in files that nobody else may read.

# Whether nothing listens on a TCP port of 127.0.0.1.
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port on which nothing listens, starting the search at $1.
find_free_port() {
  local port
  for port in $(seq "$1" $(($1 + 200))); do
    if port_is_free "$port"; then
      echo "$port"
      return
    fi
  done
  return 1
}

# Prints the part of the configuration that differs between runtimes: RUNTIME FOLDER
runtime_configuration() {
  case $1 in
    local)
      cat <<TOML
[runtime]
type = "local"

[local]
data_dir = "$2/local"
execd_dir = "$PWD/sandbox/launcher/target/dist"
image_layouts = ["$PWD/.work/images"]
TOML
      # The SDKs always ask for limits, and few hosts let an ordinary user set any.
      if [ "$(id -u)" -ne 0 ]; then echo 'require_limits = false'; fi
      ;;
    docker)
      cat <<TOML
[runtime]
type = "docker"
execd_image = "opensandbox/execd:local"

[docker]
network_mode = "bridge"
TOML
      ;;
    *)
      echo "there is no runtime \"$1\"; there are: local, docker" >&2
      return 1
      ;;
  esac
}

# server_configure FOLDER PORT [RUNTIME]: writes FOLDER/api-key, once, and FOLDER/config.toml. Call from the repository's root.
server_configure() {
  local folder=$1 port=$2 runtime
  runtime=$(runtime_configuration "${3:-local}" "$folder") || return 1
  (
    umask 077
    mkdir -p "$folder"
    if [ ! -s "$folder/api-key" ]; then
      head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/api-key"
    fi
    cat >"$folder/config.toml" <<TOML
[server]
host = "127.0.0.1"
port = $port
api_key = "$(cat "$folder/api-key")"

$runtime

[store]
path = "$folder/opensandbox-${3:-local}.db"
TOML
  )
}

# server_start FOLDER PORT: starts the server in the background and returns when it answers; its process id is in
# server_pid, its output in FOLDER/server.log. Fails with the end of the log.
server_start() {
  local folder=$1 port=$2
  control/server/bin/opensandbox-server --config "$folder/config.toml" >"$folder/server.log" 2>&1 </dev/null &
  server_pid=$!
  local deadline=$((SECONDS + 60))
  until [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$port/health")" = 200 ]; do
    if ! kill -0 "$server_pid" 2>/dev/null; then
      tail -n 20 "$folder/server.log" >&2
      echo "the server ended while starting; the whole log is in $folder/server.log" >&2
      return 1
    fi
    if [ $SECONDS -ge $deadline ]; then
      tail -n 20 "$folder/server.log" >&2
      echo "the server does not answer on port $port after 60 s; the whole log is in $folder/server.log" >&2
      return 1
    fi
    sleep 0.05
  done
}

# Stops what server_start started, and returns when it is gone.
server_stop() {
  if [ -n "${server_pid:-}" ]; then
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
  fi
}
