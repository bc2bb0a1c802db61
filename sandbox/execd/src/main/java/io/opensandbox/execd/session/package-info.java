/// `/session`: a shell that remembers. Each run is a fresh process, so that nothing a run does can
/// wedge the session; what a shell would remember is written by the run's shell to a private
/// descriptor when the user's text has ended, kept here, and read by the next run's shell from
/// another private descriptor. Neither the text nor the state is ever on disk or in an argument.
///
/// Kept are the working folder, variables of every kind and content, functions, aliases, options
/// and the umask (in a plain `sh`: no functions). A run that does not reach its end (`exit`, a
/// signal, a timeout) leaves the state as it was. Traps, jobs and limits are not kept.
@NullMarked
package io.opensandbox.execd.session;

import org.jspecify.annotations.NullMarked;
