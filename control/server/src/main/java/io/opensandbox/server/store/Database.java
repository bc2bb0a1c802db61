package io.opensandbox.server.store;

import java.sql.Connection;
import java.sql.SQLException;

/// A SQL database.
///
/// Calls block; they may come from any thread. A failing statement becomes [StoreException] and
/// leaves nothing half-written.
public interface Database extends AutoCloseable {
  /// Runs `work` in a transaction of its own and returns its result.
  <T> T write(Work<T> work);

  /// Runs `work`, which only reads.
  <T> T read(Work<T> work);

  /// Names the place of the data without credentials: the same for every server that shares it.
  String location();

  @Override
  void close();

  /// Work on a connection, which is only valid meanwhile.
  @FunctionalInterface
  interface Work<T> {
    /// Does the work.
    ///
    /// @param connection with a transaction begun
    T apply(Connection connection) throws SQLException;
  }
}
