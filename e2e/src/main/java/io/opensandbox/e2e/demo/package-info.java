/// The tour of `./quickstart`: one sandbox from its creation to its deletion, one line per step.
@NullMarked
package io.opensandbox.e2e.demo;

import org.jspecify.annotations.NullMarked;
