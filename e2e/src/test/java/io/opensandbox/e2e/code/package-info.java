/// Code contexts in the code-interpreter image.
@NullMarked
package io.opensandbox.e2e.code;

import org.jspecify.annotations.NullMarked;
