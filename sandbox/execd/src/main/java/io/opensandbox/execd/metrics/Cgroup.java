package io.opensandbox.execd.metrics;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// The control groups that this process is in, v2 or v1, as far as they are visible here. Limits
/// are read anew each time, because a runtime may change them while the sandbox runs.
final class Cgroup {
  /// v1 says "no limit" with the largest page-aligned number.
  private static final long UNLIMITED = 1L << 62;

  private final KernelFiles files;
  private final Optional<Place> unified;
  private final Optional<Place> cpu;
  private final Optional<Place> cpuacct;
  private final Optional<Place> memory;
  private final Optional<Place> pids;

  /// Where a hierarchy is mounted, and our directory in it.
  ///
  /// @param mount no slash at the end
  /// @param own `mount` or below it
  private record Place(String mount, String own) {}

  Cgroup(KernelFiles files) {
    this.files = files;
    List<String> groups = files.lines("/proc/self/cgroup");
    List<String> mounts = files.lines("/proc/self/mountinfo");
    unified = place(groups, mounts, "").filter(this::hasControllers);
    cpu = place(groups, mounts, "cpu");
    cpuacct = place(groups, mounts, "cpuacct");
    memory = place(groups, mounts, "memory");
    pids = place(groups, mounts, "pids");
  }

  /// On a hybrid host the v2 tree is there but has no controllers.
  private boolean hasControllers(Place place) {
    return files
        .text(place.mount + "/cgroup.controllers")
        .map(text -> !text.isBlank())
        .orElse(false);
  }

  private Optional<Place> place(List<String> groups, List<String> mounts, String controller) {
    Optional<String> path = groupPath(groups, controller);
    if (path.isEmpty()) {
      return Optional.empty();
    }
    for (String mount : mounts) {
      String[] fields = mount.split(" ", -1);
      int dash = List.of(fields).indexOf("-");
      if (fields.length > 5
          && dash > 0
          && dash + 3 < fields.length
          && isOf(fields, dash, controller)) {
        return Optional.of(new Place(fields[4], own(fields[3], fields[4], path.get())));
      }
    }
    return Optional.empty();
  }

  private static boolean isOf(String[] fields, int dash, String controller) {
    return controller.isEmpty()
        ? fields[dash + 1].equals("cgroup2")
        : fields[dash + 1].equals("cgroup")
            && List.of(fields[dash + 3].split(",", -1)).contains(controller);
  }

  private static Optional<String> groupPath(List<String> groups, String controller) {
    for (String line : groups) {
      String[] fields = line.split(":", 3);
      boolean found =
          fields.length == 3
              && (controller.isEmpty()
                  ? fields[0].equals("0")
                  : List.of(fields[1].split(",", -1)).contains(controller));
      if (found) {
        return Optional.of(fields[2]);
      }
    }
    return Optional.empty();
  }

  /// Our directory: below the mount as far as the mount's root shows it, else the mount itself.
  private String own(String mountRoot, String mount, String path) {
    String below = path;
    if (!mountRoot.equals("/")) {
      below = path.startsWith(mountRoot) ? path.substring(mountRoot.length()) : "";
    }
    String own = below.equals("/") ? mount : mount + below;
    return files.isDirectory(own) ? own : mount;
  }

  /// CPU time used so far, in nanoseconds; empty outside a group of our own.
  OptionalLong cpuNanos() {
    if (unified.isPresent()) {
      OptionalLong micros = files.keyed(unified.get().own + "/cpu.stat", "usage_usec");
      return micros.isPresent() ? OptionalLong.of(micros.getAsLong() * 1000) : OptionalLong.empty();
    }
    return cpuacct
        .map(place -> files.number(place.own + "/cpuacct.usage"))
        .orElse(OptionalLong.empty());
  }

  /// The tightest CPU quota in processors, for example 0.5; empty for none.
  OptionalDouble cpuQuota() {
    double quota = Double.MAX_VALUE;
    Optional<Place> place = unified.isPresent() ? unified : cpu;
    if (place.isPresent()) {
      for (String at = place.get().own; isInside(place.get(), at); at = parent(at)) {
        quota = Math.min(quota, unified.isPresent() ? unifiedQuota(at) : legacyQuota(at));
      }
    }
    return quota == Double.MAX_VALUE ? OptionalDouble.empty() : OptionalDouble.of(quota);
  }

  private double unifiedQuota(String directory) {
    String[] fields = files.text(directory + "/cpu.max").orElse("max").strip().split(" ", -1);
    OptionalLong quota = KernelFiles.parse(fields[0]);
    OptionalLong period = fields.length > 1 ? KernelFiles.parse(fields[1]) : OptionalLong.empty();
    return quota.isPresent() && period.orElse(0) > 0
        ? (double) quota.getAsLong() / period.getAsLong()
        : Double.MAX_VALUE;
  }

  private double legacyQuota(String directory) {
    OptionalLong quota = files.number(directory + "/cpu.cfs_quota_us");
    OptionalLong period = files.number(directory + "/cpu.cfs_period_us");
    return quota.isPresent() && period.orElse(0) > 0
        ? (double) quota.getAsLong() / period.getAsLong()
        : Double.MAX_VALUE;
  }

  /// The tightest memory limit in bytes; empty for none.
  OptionalLong memoryLimit() {
    return unified.isPresent()
        ? tightest(unified, "/memory.max")
        : tightest(memory, "/memory.limit_in_bytes");
  }

  /// Memory in use without file cache that can be given back; empty outside a group of our own.
  OptionalLong memoryUsed() {
    if (unified.isPresent()) {
      String own = unified.get().own;
      return without(
          files.number(own + "/memory.current"),
          files.keyed(own + "/memory.stat", "inactive_file"));
    }
    if (memory.isEmpty()) {
      return OptionalLong.empty();
    }
    String own = memory.get().own;
    return without(
        files.number(own + "/memory.usage_in_bytes"),
        files.keyed(own + "/memory.stat", "total_inactive_file"));
  }

  private static OptionalLong without(OptionalLong usage, OptionalLong cache) {
    return usage.isPresent()
        ? OptionalLong.of(Math.max(0, usage.getAsLong() - cache.orElse(0)))
        : OptionalLong.empty();
  }

  /// Processes and threads; empty outside a group of our own.
  OptionalLong pidsUsed() {
    return (unified.isPresent() ? unified : pids)
        .map(place -> files.number(place.own + "/pids.current"))
        .orElse(OptionalLong.empty());
  }

  /// The tightest limit of processes and threads; empty for none.
  OptionalLong pidsLimit() {
    return tightest(unified.isPresent() ? unified : pids, "/pids.max");
  }

  private OptionalLong tightest(Optional<Place> place, String file) {
    long limit = UNLIMITED;
    if (place.isPresent()) {
      for (String at = place.get().own; isInside(place.get(), at); at = parent(at)) {
        limit = Math.min(limit, files.number(at + file).orElse(UNLIMITED));
      }
    }
    return limit == UNLIMITED ? OptionalLong.empty() : OptionalLong.of(limit);
  }

  private static boolean isInside(Place place, String directory) {
    return directory.equals(place.mount) || directory.startsWith(place.mount + "/");
  }

  private static String parent(String directory) {
    return directory.substring(0, Math.max(0, directory.lastIndexOf('/')));
  }
}
