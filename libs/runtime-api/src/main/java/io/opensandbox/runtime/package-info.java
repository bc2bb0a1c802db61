/// The seam between the lifecycle and whatever runs sandboxes (Docker, local namespaces,
/// Kubernetes).
///
/// A runtime makes, starts, freezes, captures and removes sandboxes by id and reports what it sees.
/// It holds no rules: expiry, idempotency, states, validation of requests and the store belong to
/// the server. Every method blocks, may be called from any virtual thread, and throws
/// [io.opensandbox.protocol.lifecycle.SandboxException] with the contract's code. A runtime is done
/// when it passes `SandboxRuntimeTck`.
@NullMarked
package io.opensandbox.runtime;

import org.jspecify.annotations.NullMarked;
