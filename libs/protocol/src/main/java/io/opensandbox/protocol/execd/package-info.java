/// Wire types of the API inside a sandbox (`specs/execd.yaml`): error codes, file records, metrics.
@NullMarked
package io.opensandbox.protocol.execd;

import org.jspecify.annotations.NullMarked;
