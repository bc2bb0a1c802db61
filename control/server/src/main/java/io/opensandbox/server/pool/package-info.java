/// Pools of warm sandboxes. The single-host runtimes have none: a well-formed request is refused
/// with the contract's 501.
@NullMarked
package io.opensandbox.server.pool;

import org.jspecify.annotations.NullMarked;
