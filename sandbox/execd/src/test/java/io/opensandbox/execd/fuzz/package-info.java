/// Bad input, made from good input: a corpus in `src/test/resources/fuzz`, one folder for each
/// target, and random changes of it. Every run logs its seed; a seed gives the same inputs again.
@NullMarked
package io.opensandbox.execd.fuzz;

import org.jspecify.annotations.NullMarked;
