/// What every route shares: the front door (request ids, CORS, limits, the log line), reading of
/// queries and JSON bodies, replies, and the one place where errors become HTTP. Features register
/// routes here and see [Exchange], never the web library.
@NullMarked
package io.opensandbox.server.http;

import org.jspecify.annotations.NullMarked;
