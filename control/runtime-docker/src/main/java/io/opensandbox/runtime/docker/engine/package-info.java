/// The connection to a Docker engine: where it listens, HTTP/1.1 over a Unix or TCP socket with
/// deadlines, and its errors as text.
///
/// Calls are written with the paths and field names of the Engine API, version 1.41, and answered
/// as JSON trees. docker-java supplies what is intricate and rare: TLS and the logins of the Docker
/// client's configuration. Nothing here knows what a sandbox is.
@NullMarked
package io.opensandbox.runtime.docker.engine;

import org.jspecify.annotations.NullMarked;
