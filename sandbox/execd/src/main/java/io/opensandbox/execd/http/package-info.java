/// The HTTP/1.1 server of execd: one virtual thread per connection, blocking channels, no
/// dependencies. It reads strictly (whatever two parsers could read in two ways is refused), keeps
/// little memory per connection, streams in both directions, and turns every throwable into the
/// contract's error envelope in one place.
///
/// A request flows: [HttpServer] accepts, a connection reads a head, [Router] guards, redirects and
/// picks the [Handler], the handler answers through its [Exchange], the server drains what is left
/// of the request and reads the next one. TLS, HTTP/2, compression and `OPTIONS`/`HEAD` are left
/// out on purpose: the contract has none of them.
@NullMarked
package io.opensandbox.execd.http;

import org.jspecify.annotations.NullMarked;
