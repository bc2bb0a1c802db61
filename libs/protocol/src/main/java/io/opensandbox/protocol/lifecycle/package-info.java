/// Wire types of the lifecycle API (`specs/lifecycle.yaml`): error codes, sandboxes, endpoints.
@NullMarked
package io.opensandbox.protocol.lifecycle;

import org.jspecify.annotations.NullMarked;
