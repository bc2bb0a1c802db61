/// Pools of sandboxes that are made before anybody asks for them. The pools' table says how many
/// are wanted of what; the keeper makes and removes members, which are rows of the sandboxes' table
/// that nobody sees; a claim turns one into a client's sandbox (see `sandbox.Claims`).
@NullMarked
package io.opensandbox.server.pool;

import org.jspecify.annotations.NullMarked;
