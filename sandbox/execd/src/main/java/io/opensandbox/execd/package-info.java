/// The daemon inside every sandbox: runs commands, sessions and terminals, serves files and
/// metrics.
@NullMarked
package io.opensandbox.execd;

import org.jspecify.annotations.NullMarked;
