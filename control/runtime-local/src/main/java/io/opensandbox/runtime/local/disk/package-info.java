/// Where a runtime keeps its files, and how much of it one sandbox may take.
///
/// Measured on the 2-core build machine: its kernel has no project quotas (ext4, xfs), so
/// everything lives in one btrfs file system in a sparse file, which costs 5 to 9 ms per sandbox (a
/// subvolume with a limit) and copies captured files by reference: 7 ms for 100 MiB instead of 70
/// to 100 ms. A loop-mounted image per sandbox would cost a file system's making and a mount each,
/// and could not share blocks. Where the host cannot mount it, files lie in a plain directory
/// without quotas, and the capabilities say so.
@NullMarked
package io.opensandbox.runtime.local.disk;

import org.jspecify.annotations.NullMarked;
