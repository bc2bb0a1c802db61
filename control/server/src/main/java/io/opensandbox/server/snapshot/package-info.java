/// Snapshots of sandboxes: records in the store, capture and removal in the background, and the
/// image that a restore starts from. A snapshot outlives its sandbox. What a capture contains is
/// the runtime's business.
@NullMarked
package io.opensandbox.server.snapshot;

import org.jspecify.annotations.NullMarked;
