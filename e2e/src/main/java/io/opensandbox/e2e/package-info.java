/// Drives a running OpenSandbox server from outside, over HTTP only: the quickstart's demo, the
/// end-to-end tests (under `src/test`) and, through [io.opensandbox.e2e.wire], the benchmarks.
@NullMarked
package io.opensandbox.e2e;

import org.jspecify.annotations.NullMarked;
