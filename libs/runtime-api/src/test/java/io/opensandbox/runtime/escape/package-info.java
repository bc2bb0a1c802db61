/// Attempts to get out of a sandbox, run on every runtime.
@NullMarked
package io.opensandbox.runtime.escape;

import org.jspecify.annotations.NullMarked;
