package io.opensandbox.server.store;

import java.sql.Connection;
import java.sql.SQLException;

/// A SQL database.
///
/// Calls block; they may come from any thread. A failing statement becomes [StoreException] and
/// leaves nothing half-written. `work` may be run again after a conflict with another transaction,
/// so it changes nothing but the database.
public interface Database extends AutoCloseable {
  /// Runs `work` in a transaction of its own and returns its result.
  <T> T write(Work<T> work);

  /// Runs `work`, which only reads.
  <T> T read(Work<T> work);

  /// Names the place of the data without credentials: the same for every server that shares it.
  String location();

  /// Whether other servers may work on the same data at the same time.
  boolean isShared();

  /// The SQL expression for the database's own clock, in microseconds since 1970: one clock for
  /// every server that shares it.
  String clock();

  /// Keeps other sessions from doing the same until the transaction on `connection` ends.
  void lock(Connection connection, Exclusive what) throws SQLException;

  @Override
  void close();

  /// What one session does at a time, of all that share the data.
  enum Exclusive {
    /// Changing the tables.
    MIGRATION,
    /// Counting snapshots and adding one.
    SNAPSHOT_QUOTA
  }

  /// Work on a connection, which is only valid meanwhile.
  @FunctionalInterface
  interface Work<T> {
    /// Does the work.
    ///
    /// @param connection with a transaction begun
    T apply(Connection connection) throws SQLException;
  }
}
