/// The lifecycle server: creates, lists, renews, pauses and deletes sandboxes over HTTP.
@NullMarked
package io.opensandbox.server;

import org.jspecify.annotations.NullMarked;
