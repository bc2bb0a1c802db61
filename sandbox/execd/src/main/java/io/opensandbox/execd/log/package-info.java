/// execd's log: one JSON object a line, to stdout, stderr or files that rotate.
///
/// Nothing that serves a request ever waits for the log: lines go through a bounded queue to a
/// thread of its own, and what does not fit is counted and reported. Secrets in command texts are
/// masked before they get here ([io.opensandbox.execd.log.SecretMask]).
@NullMarked
package io.opensandbox.execd.log;

import org.jspecify.annotations.NullMarked;
