/// Durations as flags and variables write them, in Go's syntax: `500ms`, `1m30s`.
@NullMarked
package io.opensandbox.execd.duration;

import org.jspecify.annotations.NullMarked;
