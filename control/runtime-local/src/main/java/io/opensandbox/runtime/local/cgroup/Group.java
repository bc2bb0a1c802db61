package io.opensandbox.runtime.local.cgroup;

import io.opensandbox.runtime.ResourceLimits;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The processes of one sandbox, held together by the kernel.
public sealed interface Group permits Cgroup, NamespaceGroup {
  /// The directories that a process joins to be in this group.
  Set<Path> directories();

  /// The directory of a v1 controller, or of v2 (under the empty name), to be shown to the sandbox
  /// read-only.
  Map<String, Path> visible();

  /// Makes the group; existing ones are fine.
  void make();

  /// Allows only harmless devices, where the kernel offers that.
  void restrictDevices();

  /// Sets the limits that are given; the others stay as they are.
  void limit(ResourceLimits limits);

  /// Stops all processes where they are.
  ///
  /// @return whether they were frozen at the time of return
  boolean freeze();

  /// Lets frozen processes go on.
  ///
  /// @return whether they were thawed at the time of return
  boolean thaw();

  /// Whether all processes are frozen.
  boolean isFrozen();

  /// Processes in the group, by the server's numbers.
  List<Long> processes();

  /// Kills every process and returns when none is left.
  ///
  /// @return whether the group is empty
  boolean kill();

  /// Whether the group is there.
  boolean exists();

  /// Removes the empty group.
  ///
  /// @return false when processes were still in it
  boolean remove();

  /// How often the kernel killed something here for memory.
  long outOfMemoryKills();

  /// CPU time used so far, in nanoseconds.
  long cpuNanos();

  /// Memory in use, in bytes.
  long memoryBytes();

  /// Processes and threads.
  long pids();
}
