/// Renewal on access: a sandbox that asked for it lives on while it is used through the proxy.
@NullMarked
package io.opensandbox.server.renewal;

import org.jspecify.annotations.NullMarked;
