package io.opensandbox.server.store;

import java.time.Duration;

/// The database as one server sees it.
///
/// @param holder name of this server process in its leases, unlike that of any other process
/// @param lease how long a lease runs unless it is renewed; what a dead server held is taken over
///   after that time
public record Store(Database database, String holder, Duration lease) {
  /// Leases on the rows of a table, kept in its columns `PREFIX_by` and `PREFIX_until`.
  public Leases leases(String table, String prefix) {
    return new Leases(this, table, prefix);
  }
}
