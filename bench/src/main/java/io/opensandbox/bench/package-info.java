/// Measures any OpenSandbox-compatible server from outside: percentiles by nearest rank, failures
/// kept in the denominator, and every comparison (bare engine, direct request, `cp`) taken in the
/// same run.
@NullMarked
package io.opensandbox.bench;

import org.jspecify.annotations.NullMarked;
