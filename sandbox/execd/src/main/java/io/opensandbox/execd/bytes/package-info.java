/// Looking for bytes in bytes.
@NullMarked
package io.opensandbox.execd.bytes;

import org.jspecify.annotations.NullMarked;
