/// execd through its own API, on real sandboxes.
@NullMarked
package io.opensandbox.e2e.execd;

import org.jspecify.annotations.NullMarked;
