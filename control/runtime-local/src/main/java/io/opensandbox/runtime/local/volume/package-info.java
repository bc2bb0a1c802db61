/// Volumes: directories of the host below allowed prefixes, and named ones in the data directory.
///
/// What is mounted is a real path without links, decided when the sandbox is made.
@NullMarked
package io.opensandbox.runtime.local.volume;

import org.jspecify.annotations.NullMarked;
