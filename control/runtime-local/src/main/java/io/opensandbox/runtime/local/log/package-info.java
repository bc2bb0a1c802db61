/// Reads what a sandbox wrote to its standard output and error.
///
/// `svlogd` writes it: one line each with a UTC time in front, in a few files of bounded size.
@NullMarked
package io.opensandbox.runtime.local.log;

import org.jspecify.annotations.NullMarked;
