/// Images on the engine: whether they are there, for which platform, and pulling what is missing.
/// What is known of an image is kept for as long as the engine's events say that nothing changed.
@NullMarked
package io.opensandbox.runtime.docker.image;

import org.jspecify.annotations.NullMarked;
