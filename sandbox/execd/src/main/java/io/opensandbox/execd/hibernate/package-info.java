/// Leaving when nothing happens: the JVM ends, the launcher keeps the port and starts it again for
/// the next connection. What clients may still ask for is written down before.
@NullMarked
package io.opensandbox.execd.hibernate;

import org.jspecify.annotations.NullMarked;
