/// The database behind the server's features: connections, transactions, migrations and leases, for
/// SQLite and PostgreSQL. Each feature keeps its own tables' SQL; nothing here knows what a sandbox
/// is.
@NullMarked
package io.opensandbox.server.store;

import org.jspecify.annotations.NullMarked;
