/// Directories of the sandbox: list, make, remove (`/directories`).
@NullMarked
package io.opensandbox.execd.directory;

import org.jspecify.annotations.NullMarked;
