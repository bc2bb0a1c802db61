/// The lifecycle of sandboxes: what a create may ask for, the rows that record what was asked for
/// and what became of it, and the work that brings the runtime there.
///
/// A request is written to the store before the runtime is touched. Every row has an [Intent]; the
/// reconciler compares it with what the runtime reports and does what is missing, so that a crash
/// between any two steps is repaired. The runtime's labels repeat enough to rebuild a lost store.
/// Knows runtimes only through `io.opensandbox.runtime`.
@NullMarked
package io.opensandbox.server.sandbox;

import org.jspecify.annotations.NullMarked;
