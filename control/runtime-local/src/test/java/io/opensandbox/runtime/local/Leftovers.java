package io.opensandbox.runtime.local;

import java.util.List;

/// What a runtime has on the host outside its data directory.
///
/// @param namespaces network namespaces
/// @param cables interfaces of root, or processes that take their place for an ordinary user
/// @param groups cgroups of sandboxes
/// @param mounts mounts below the data directory
/// @param processes that hold files below the data directory or are in the runtime's cgroups
record Leftovers(int namespaces, int cables, int groups, int mounts, int processes) {
  static final Leftovers NONE = new Leftovers(0, 0, 0, 0, 0);

  /// Counts what begins with the runtime's prefix or is in its directory.
  static Leftovers of(String prefix, String data) {
    return new Leftovers(
        count(
            "{ ip netns list; ls "
                + data
                + "/networks 2>/dev/null; } | grep -cE '^"
                + prefix
                + "-[0-9]+( |$)'"),
        count("ip -o link | grep -c ' " + prefix + "\\.'")
            + count("grep -lsa '" + data + "/[n]etworks/' /proc/[0-9]*/cmdline | wc -l"),
        count(
            "ls -d /sys/fs/cgroup/*/"
                + prefix
                + "/*/ /sys/fs/cgroup/"
                + prefix
                + "/*/ 2>/dev/null | wc -l"),
        count("grep -c '" + data + "' /proc/self/mountinfo"),
        count(
            "readlink /proc/[0-9]*/cwd 2>/dev/null | grep -cE '^" + data + "(/disk)?/sandboxes'"));
  }

  /// Whether there is no more than there.
  boolean isWithin(Leftovers other) {
    return namespaces <= other.namespaces
        && cables <= other.cables
        && groups <= other.groups
        && mounts <= other.mounts
        && processes <= other.processes;
  }

  private static int count(String script) {
    List<String> lines = TestRuntime.RUNNER.text("sh", "-c", script + " || true").lines().toList();
    return Integer.parseInt(lines.getFirst().strip());
  }
}
