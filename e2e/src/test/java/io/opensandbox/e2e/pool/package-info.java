/// Warm pools on real engines: what a claim gives, and what becomes of members.
@NullMarked
package io.opensandbox.e2e.pool;

import org.jspecify.annotations.NullMarked;
