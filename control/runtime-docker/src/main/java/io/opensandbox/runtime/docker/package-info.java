/// Sandboxes as containers of a Docker engine (API 1.41 or later).
@NullMarked
package io.opensandbox.runtime.docker;

import org.jspecify.annotations.NullMarked;
