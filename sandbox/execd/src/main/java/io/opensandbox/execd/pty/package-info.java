/// `/pty`: a shell on a terminal (or on pipes) over a WebSocket. The process belongs to the
/// session, not to the connection: one client at a time holds it, others may watch, and whoever
/// connects again gets what it has missed from a replay buffer of 1 MiB.
///
/// One thread drains the process, appends to the replay buffer and sends to the clients, all under
/// the session's lock, so that replay and live output join without a gap or a repeat. A client that
/// does not read slows the process down until its write limit of ten seconds ends it.
@NullMarked
package io.opensandbox.execd.pty;

import org.jspecify.annotations.NullMarked;
