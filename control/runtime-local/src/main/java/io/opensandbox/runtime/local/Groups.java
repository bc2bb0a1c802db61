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
  Group of(String id, Slot slot) {
    return cgroups.isPresent() ? cgroups.of(id) : new NamespaceGroup(slot.path(), runner);
  }
}
