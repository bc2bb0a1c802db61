/// `/command`: runs shell commands and programs, in the foreground as an event stream or in the
/// background, and keeps what they wrote for a while.
///
/// [io.opensandbox.execd.command.CommandRoutes] decodes requests, a
/// [io.opensandbox.execd.command.CommandRequest] is a valid one, the
/// [io.opensandbox.execd.command.CommandRunner] starts it and pumps its output on one virtual
/// thread into the [io.opensandbox.execd.command.Journal] and the client's stream, and the
/// [io.opensandbox.execd.command.CommandLog] remembers commands, bounded in number, age and bytes.
@NullMarked
package io.opensandbox.execd.command;

import org.jspecify.annotations.NullMarked;
