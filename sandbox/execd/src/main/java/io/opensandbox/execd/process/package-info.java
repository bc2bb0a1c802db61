/// Starts processes, feeds them, signals them and reads what they write.
///
/// execd never forks: a [io.opensandbox.execd.process.Spawner] asks the launcher's broker over a
/// Unix socket, one connection per process (`sandbox/launcher/PROTOCOL.md`). Output is pulled by
/// the thread that calls [io.opensandbox.execd.process.RunningProcess#drain], so whoever stops
/// taking it stops the process and nothing else. What a process is for, its time limit and its
/// records are the callers' business.
@NullMarked
package io.opensandbox.execd.process;

import org.jspecify.annotations.NullMarked;
