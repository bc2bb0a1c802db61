/// Where ports of sandboxes are reached: the endpoints route, and the targets of the server's own
/// proxy.
@NullMarked
package io.opensandbox.server.endpoint;

import org.jspecify.annotations.NullMarked;
