# Sourced by every script of the project: sets JAVA_HOME to a JDK 25 or says what is missing.
# Order: JAVA_HOME if it is a 25 already, `java` on the PATH, the usual JVM folders.
jdk_is_25() { [ -x "$1/bin/javac" ] && grep -q '^JAVA_VERSION="25' "$1/release" 2>/dev/null; }
find_jdk_25() {
  local candidate
  if [ -n "${JAVA_HOME:-}" ] && jdk_is_25 "$JAVA_HOME"; then
    echo "$JAVA_HOME"
    return
  fi
  if command -v javac >/dev/null 2>&1; then
    candidate=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
    if jdk_is_25 "$candidate"; then
      echo "$candidate"
      return
    fi
  fi
  for candidate in /usr/lib/jvm/* /opt/java/* /opt/jdk* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*; do
    if jdk_is_25 "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "OpenSandbox needs a JDK 25; none found in JAVA_HOME, on the PATH or under /usr/lib/jvm" >&2
  return 1
}
JAVA_HOME=$(find_jdk_25) || exit 1
export JAVA_HOME
PATH="$JAVA_HOME/bin:$PATH"
