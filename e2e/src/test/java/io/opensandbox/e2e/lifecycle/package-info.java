/// The lifecycle API on the wire: what official clients break without, and bad input.
@NullMarked
package io.opensandbox.e2e.lifecycle;

import org.jspecify.annotations.NullMarked;
