/// Giving memory back. The JVM lets its heap grow to the maximum before it looks for garbage among
/// older objects, and keeps what it has; a sandbox that ran ten thousand commands should cost what
/// an idle one does.
@NullMarked
package io.opensandbox.execd.memory;

import org.jspecify.annotations.NullMarked;
