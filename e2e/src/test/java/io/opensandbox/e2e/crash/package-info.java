/// The server killed with SIGKILL, and started again.
@NullMarked
package io.opensandbox.e2e.crash;

import org.jspecify.annotations.NullMarked;
