/// The server's TOML configuration: one schema of sections and keys, from which the reader, the
/// skeleton of `init-config` and `docs/configuration.md` are made. Knows nothing about what the
/// values are used for.
@NullMarked
package io.opensandbox.server.config;

import org.jspecify.annotations.NullMarked;
