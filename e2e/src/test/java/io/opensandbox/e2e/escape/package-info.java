/// Ways out of a sandbox through the file API and the archives of its execd, tried on every
/// single-host runtime. The other ways out are tried beside the runtimes.
@NullMarked
package io.opensandbox.e2e.escape;

import org.jspecify.annotations.NullMarked;
