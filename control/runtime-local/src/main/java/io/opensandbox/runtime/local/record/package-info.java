/// What is remembered of each sandbox on disk, so that a server that was killed finds its sandboxes
/// again: one JSON file per sandbox, replaced atomically.
@NullMarked
package io.opensandbox.runtime.local.record;

import org.jspecify.annotations.NullMarked;
