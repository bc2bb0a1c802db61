/// The event streams of commands, sessions and code: what an event looks like on the wire, how
/// output is cut into events, and how a response carries them.
///
/// A process's bytes go through [io.opensandbox.execd.event.OutputEvents] (one
/// [io.opensandbox.execd.event.LineEvents] per stream) into an
/// [io.opensandbox.execd.event.EventBuffer], which hands whole batches to an
/// [io.opensandbox.execd.event.EventSink]: a response, a journal, or both. Output is never turned
/// into strings on the way, and no more than about a hundred KiB of it is held.
@NullMarked
package io.opensandbox.execd.event;

import org.jspecify.annotations.NullMarked;
