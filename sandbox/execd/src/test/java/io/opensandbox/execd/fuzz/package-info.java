/// Bad input, made up by Jazzer from good input and guided by what code it reaches: a corpus in
/// `src/test/resources/io/opensandbox/execd/fuzz/ExecdFuzzInputs`, one folder for each method of
/// [ExecdFuzz]. The Maven profile `fuzz` replays it, `sandbox/execd/fuzz` goes on from there. Not
/// part of the unit tests, as Jazzer rewrites the classes of the process it is in.
@NullMarked
package io.opensandbox.execd.fuzz;

import org.jspecify.annotations.NullMarked;
