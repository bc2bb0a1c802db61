/// The official Java SDK against our server.
@NullMarked
package io.opensandbox.e2e.sdk;

import org.jspecify.annotations.NullMarked;
