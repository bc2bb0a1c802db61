package io.opensandbox.runtime.local.engine;

import io.opensandbox.runtime.local.record.SandboxRecord;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What a start hands to the launcher and to bubblewrap, worked out from a record.
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

  /// What is mounted before bubblewrap comes, which reads the whole list of mounts with each that
  /// it makes: lines MAKER SOURCE TARGET for `run/mounts`, relative to the sandbox's directory.
  ///
  /// @param networks directory of the networks of all sandboxes
  /// @param cgroups directory of each controller of v1, or of v2 under the empty name
  List<String> mounts(SandboxRecord sandbox, Path networks, Map<String, Path> cgroups) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < sandbox.trees().size(); i++) {
      SandboxRecord.Tree tree = sandbox.trees().get(i);
      List<String> lowers =
          tree.lowers().stream()
              .map(lower -> lower.startsWith("/") ? lower : "../../layers/" + lower)
              .toList();
      String target = "root" + (tree.mountPath().equals("/") ? "" : tree.mountPath());
      lines.add(
          "overlay userxattr,lowerdir=%s,upperdir=files/upper/%d,workdir=files/work/%d %s"
              .formatted(String.join(":", lowers), i, i, target));
    }
    lines.add("sysfs sysfs root/sys");
    MASKED_DIRECTORIES.stream()
        .filter(path -> path.startsWith("/sys/") && hostPaths.contains(path))
        .forEach(path -> lines.addAll(List.of("tmpfs tmpfs root" + path, "seal - root" + path)));
    showCgroups(lines, cgroups);
    // Mounts of the host that bubblewrap need not read of; the volumes are held already.
    lines.addAll(List.of("drop - " + networks, "drop - /sys"));
    return lines;
  }

  /// Where the volumes come from, each ended by a zero byte, for `run/volumes`. The launcher holds
  /// them at [#volume].
  static String volumes(SandboxRecord sandbox) {
    return sandbox.mounts().stream()
        .map(mount -> mount.source() + "\0")
        .collect(Collectors.joining());
  }

  private static String volume(int index) {
    return "run/volume-" + index;
  }

  /// The sandbox sees its own group at the usual place, read-only: language runtimes size
  /// themselves by it.
  private static void showCgroups(List<String> lines, Map<String, Path> cgroups) {
    String place = "root/sys/fs/cgroup";
    if (cgroups.containsKey("")) {
      lines.add("bind " + cgroups.get("") + " " + place);
      return;
    }
    lines.add("tmpfs tmpfs " + place);
    cgroups.forEach(
        (controller, path) -> lines.add("bind " + path + " " + place + "/" + controller));
    lines.add("seal - " + place);
  }

  /// Arguments of bubblewrap up to the command.
  List<String> arguments(SandboxRecord sandbox, String hostname) {
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
        .filter(path -> path.startsWith("/proc/") && hostPaths.contains(path))
        .forEach(path -> add(args, "--tmpfs", path, "--remount-ro", path));
    for (int i = 0; i < sandbox.mounts().size(); i++) {
      SandboxRecord.Mount mount = sandbox.mounts().get(i);
      add(args, mount.readOnly() ? "--ro-bind" : "--bind", volume(i), mount.target());
    }
    add(args, "--cap-drop", "ALL");
    capabilities.forEach(name -> add(args, "--cap-add", "CAP_" + name));
    add(args, "--chdir", sandbox.process().workingDirectory(), "--clearenv");
    sandbox.process().env().forEach((name, value) -> add(args, "--setenv", name, value));
    return args;
  }

  /// bubblewrap reads them with a zero byte behind each.
  private static void add(List<String> args, String... more) {
    for (String arg : more) {
      if (arg.indexOf('\0') >= 0) {
        throw new Engine.StartFailure("an argument has a zero byte", null);
      }
      args.add(arg);
    }
  }
}
