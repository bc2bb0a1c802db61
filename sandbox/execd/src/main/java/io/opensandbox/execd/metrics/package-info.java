/// CPU, memory, disk and process numbers of the sandbox (`/metrics`, `/metrics/watch`), read from
/// its control groups (v1 or v2) and, where those set no limit or are not visible, from `/proc`.
///
/// Nothing runs in the background: CPU use is the difference between two readings, of which the
/// earlier one is the last that somebody asked for, if it is recent.
@NullMarked
package io.opensandbox.execd.metrics;

import org.jspecify.annotations.NullMarked;
