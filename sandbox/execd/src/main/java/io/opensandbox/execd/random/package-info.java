/// Random numbers for ids and keys.
@NullMarked
package io.opensandbox.execd.random;

import org.jspecify.annotations.NullMarked;
