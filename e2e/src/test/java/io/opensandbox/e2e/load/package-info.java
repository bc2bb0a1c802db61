/// Much at once, and little of everything: concurrency, limits, leaks.
@NullMarked
package io.opensandbox.e2e.load;

import org.jspecify.annotations.NullMarked;
