/// Isolated sessions (`/v1/isolated`): shells in namespaces of their own, with the sandbox's file
/// system read-only except for some directories.
///
/// A session is one long-lived bubblewrap. In it runs the launcher's broker, which starts the runs;
/// so they see each other and what an earlier one has left in the background, and nothing outside.
/// A run's shell remembers what a shell remembers, as in `session`. Deleting the session kills
/// bubblewrap, and the kernel everything else.
///
/// A directory is shared (`rw`), shown (`ro`), or private (`overlay`): then the session works on a
/// copy of it, `diff` is what the copy changed, and `commit` brings that back. The copy is made
/// when the session is; an overlay mount would be quicker, but most sandboxes may not mount.
///
/// Where the kernel or the image does not allow bubblewrap, `capabilities` says so, and everything
/// else answers 503. Network filters, quotas and upper layers that outlive a session are not here.
@NullMarked
package io.opensandbox.execd.isolated;

import org.jspecify.annotations.NullMarked;
