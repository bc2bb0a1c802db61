/// Runs sandboxes with nothing but the kernel and small tools: no daemon.
///
/// [io.opensandbox.runtime.local.LocalRuntime] puts the parts together: images and layers, volumes,
/// networks, cgroups and the engine that starts and ends processes. A create reserves and writes
/// everything, the record last; a start runs one script; a remove takes everything back in reverse.
/// Sandboxes are not children of the server: it may end or be killed at any moment, and the next
/// one on the same data directory adopts what runs and clears away what was left half done.
///
/// Protects the host from what runs in a sandbox as root, and sandboxes from each other. Leaves to
/// its caller who may make sandboxes, and relies on the kernel: a sandbox shares it.
@NullMarked
package io.opensandbox.runtime.local;

import org.jspecify.annotations.NullMarked;
