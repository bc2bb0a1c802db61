package io.opensandbox.runtime.local.engine;

import io.opensandbox.runtime.local.record.SandboxRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a start hands to the scripts and to bubblewrap, worked out from a record.
final class Launch {
  /// Files of the kernel that are hidden: they tell of, or act on, the whole host.
  private static final List<String> MASKED_FILES =
      List.of(
          "/proc/kcore",
          "/proc/keys",
          "/proc/key-users",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug",
          "/proc/interrupts",
          "/proc/kallsyms",
          "/proc/kmsg",
          "/proc/kpagecount",
          "/proc/kpageflags",
          "/proc/kpagecgroup",
          "/proc/vmallocinfo",
          "/proc/slabinfo",
          "/proc/config.gz");

  private static final List<String> MASKED_DIRECTORIES =
      List.of(
          "/proc/acpi",
          "/proc/asound",
          "/proc/scsi",
          "/sys/firmware",
          "/sys/devices/virtual/powercap",
          "/sys/kernel/debug",
          "/sys/kernel/tracing",
          "/sys/kernel/security",
          "/sys/fs/bpf");

  private static final List<String> READ_ONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private final Set<String> hostPaths;
  private final List<String> capabilities;

  /// @param hostPaths those of [#kernelPaths] that this host has
  /// @param capabilities kept by root in the sandbox, without `CAP_`
  Launch(Set<String> hostPaths, List<String> capabilities) {
    this.hostPaths = Set.copyOf(hostPaths);
    this.capabilities = List.copyOf(capabilities);
  }

  /// Paths whose presence on the host decides whether they are masked.
  static List<String> kernelPaths() {
    List<String> all = new ArrayList<>(MASKED_FILES);
    all.addAll(MASKED_DIRECTORIES);
    all.addAll(READ_ONLY);
    return all;
  }

  /// One line per overlay for `run/mounts`, relative to the sandbox's directory.
  static List<String> overlays(SandboxRecord sandbox) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < sandbox.trees().size(); i++) {
      SandboxRecord.Tree tree = sandbox.trees().get(i);
      List<String> lowers =
          tree.lowers().stream()
              .map(lower -> lower.startsWith("/") ? lower : "../../layers/" + lower)
              .toList();
      String target = "root" + (tree.mountPath().equals("/") ? "" : tree.mountPath());
      lines.add(
          "userxattr,lowerdir=%s,upperdir=files/upper/%d,workdir=files/work/%d %s"
              .formatted(String.join(":", lowers), i, i, target));
    }
    return lines;
  }

  /// Arguments of bubblewrap up to the command.
  List<String> arguments(SandboxRecord sandbox, String hostname, Map<String, String> cgroups) {
    List<String> args = new ArrayList<>();
    add(args, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup");
    add(args, "--as-pid-1", "--hostname", hostname);
    add(args, "--bind", "root", "/", "--proc", "/proc", "--dev", "/dev");
    add(args, "--tmpfs", "/dev/shm", "--mqueue", "/dev/mqueue");
    READ_ONLY.stream()
        .filter(hostPaths::contains)
        .forEach(path -> add(args, "--ro-bind", path, path));
    MASKED_FILES.stream()
        .filter(hostPaths::contains)
        .forEach(path -> add(args, "--dev-bind", "/dev/null", path));
    MASKED_DIRECTORIES.stream()
        .filter(hostPaths::contains)
        .forEach(path -> add(args, "--tmpfs", path, "--remount-ro", path));
    showCgroups(args, cgroups);
    for (SandboxRecord.Mount mount : sandbox.mounts()) {
      add(args, mount.readOnly() ? "--ro-bind" : "--bind", mount.source(), mount.target());
    }
    add(args, "--cap-drop", "ALL");
    capabilities.forEach(name -> add(args, "--cap-add", "CAP_" + name));
    add(args, "--chdir", sandbox.process().workingDirectory(), "--clearenv");
    sandbox.process().env().forEach((name, value) -> add(args, "--setenv", name, value));
    return args;
  }

  /// The sandbox sees its own group at the usual place, read-only: language runtimes size
  /// themselves by it.
  private static void showCgroups(List<String> args, Map<String, String> cgroups) {
    if (cgroups.containsKey("")) {
      add(args, "--ro-bind", cgroups.get(""), "/sys/fs/cgroup");
      return;
    }
    add(args, "--tmpfs", "/sys/fs/cgroup");
    cgroups.forEach(
        (controller, path) -> add(args, "--ro-bind", path, "/sys/fs/cgroup/" + controller));
    add(args, "--remount-ro", "/sys/fs/cgroup");
  }

  private static void add(List<String> args, String... more) {
    args.addAll(List.of(more));
  }
}
