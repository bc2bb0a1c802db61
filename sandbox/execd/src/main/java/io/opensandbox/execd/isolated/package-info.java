/// Isolated sessions (`/v1/isolated`): shells in namespaces of their own, with the sandbox's file
/// system read-only except for some directories.
///
/// A session is one long-lived bubblewrap. In it runs the launcher's broker, which starts the runs;
/// so they see each other and what an earlier one has left in the background, and nothing outside.
/// A run's shell remembers what a shell remembers, as in `session`. Deleting the session kills
/// bubblewrap, and the kernel everything else.
///
/// A directory is shared (`rw`), shown (`ro`), or private (`overlay`): then the session works on an
/// overlay over it, `diff` is what its upper layer has, and `commit` brings that back. The launcher
/// mounts it (`execd overlay`) in a mount namespace around bubblewrap's, which execd reaches
/// through `/proc/PID/root`, so nothing is left to be unmounted. Where the kernel does not allow
/// that, the session works on a copy, made when the session is.
///
/// Where the kernel or the image does not allow bubblewrap, `capabilities` says so, and everything
/// else answers 503. Network filters are not here.
@NullMarked
package io.opensandbox.execd.isolated;

import org.jspecify.annotations.NullMarked;
