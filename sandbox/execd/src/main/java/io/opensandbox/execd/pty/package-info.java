/// `/pty`: a shell on a terminal (or on pipes) over a WebSocket. The process belongs to the
/// session, not to the connection: one client at a time holds it, others may watch, and whoever
/// connects again gets what it has missed from a replay buffer of 1 MiB.
///
/// One thread drains the process: it appends to the replay buffer and takes note of who is there,
/// both under the session's lock, then sends to them without it. Whoever attaches gets the replay
/// under the same lock and live output only behind its greeting, so that both join without a gap or
/// a repeat. A client that does not read slows the process down until its write limit ends it; it
/// never stands in the way of requests about the session or of a takeover.
@NullMarked
package io.opensandbox.execd.pty;

import org.jspecify.annotations.NullMarked;
