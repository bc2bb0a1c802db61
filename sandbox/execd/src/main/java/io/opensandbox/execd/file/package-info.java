/// Files of the sandbox: information, search, download, upload, replacement, permissions, moving
/// and removal (`/files/*`).
///
/// Contents are streamed, never held. What is written goes to a temporary beside its target and is
/// renamed, so that a reader sees the old or the new file and a crash leaves the old one; where the
/// directory does not allow that (a mounted file, a read-only directory), the file is rewritten in
/// place. Nothing is synced to disk: a sandbox's files live as long as the sandbox. There is no
/// access control here; the daemon's own rights are the limit.
@NullMarked
package io.opensandbox.execd.file;

import org.jspecify.annotations.NullMarked;
