/// Resource control by cgroups: v2, v1 and the hybrid of both.
///
/// [io.opensandbox.runtime.local.cgroup.CgroupTree] finds what the host has and owns one parent
/// group; each sandbox gets a [io.opensandbox.runtime.local.cgroup.Cgroup] below it. Only files are
/// read and written; processes join by themselves before they become the sandbox. Events of the
/// kernel are not used here.
@NullMarked
package io.opensandbox.runtime.local.cgroup;

import org.jspecify.annotations.NullMarked;
