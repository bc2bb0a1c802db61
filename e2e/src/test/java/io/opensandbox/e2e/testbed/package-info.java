/// What end-to-end tests stand on: a server of this checkout on a real Docker engine, the images,
/// and sandboxes that are deleted when a test ends.
@NullMarked
package io.opensandbox.e2e.testbed;

import org.jspecify.annotations.NullMarked;
