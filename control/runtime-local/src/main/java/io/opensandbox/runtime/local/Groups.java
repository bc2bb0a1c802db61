package io.opensandbox.runtime.local;

import io.opensandbox.runtime.local.cgroup.CgroupTree;
import io.opensandbox.runtime.local.cgroup.Group;
import io.opensandbox.runtime.local.cgroup.NamespaceGroup;
import io.opensandbox.runtime.local.network.Slot;
import io.opensandbox.runtime.local.process.Runner;

/// What holds the processes of each sandbox together: a cgroup where there are any.
///
/// @param cgroups without any hierarchy where the host gives none
record Groups(CgroupTree cgroups, Runner runner) {
  /// What a sandbox takes that does nothing yet, its daemon's start included, with some to spare.
  private static final long ONE_MORE = 128L << 20;

  /// Whether one more sandbox would not make the kernel kill processes of others for memory.
  boolean haveRoom() {
    return cgroups.hasMemory(ONE_MORE);
  }

  Group of(String id, Slot slot) {
    return cgroups.isPresent() ? cgroups.of(id) : new NamespaceGroup(slot.path(), runner);
  }
}
