/// What operators ask of the server: is it ready, what can it do, what does it count.
@NullMarked
package io.opensandbox.server.operation;

import org.jspecify.annotations.NullMarked;
