/// A plain client of the lifecycle API and of execd that hides nothing: every reply is available as
/// status, headers and bytes, so that tests can judge the wire itself. It is no SDK: no retries, no
/// defaults, no models.
@NullMarked
package io.opensandbox.e2e.wire;

import org.jspecify.annotations.NullMarked;
