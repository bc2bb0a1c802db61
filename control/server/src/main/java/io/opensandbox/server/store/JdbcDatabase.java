package io.opensandbox.server.store;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;

/// Connections to one JDBC database: a bounded number that are kept open and handed out.
abstract class JdbcDatabase implements Database {
  private static final int SQLITE_FULL = 13;
  private static final String POSTGRESQL_FULL = "53100";

  private final Connections readers;
  private final Connections writers;

  JdbcDatabase(int readers, int writers) {
    this.readers = new Connections(readers);
    this.writers = new Connections(writers);
  }

  /// Opens a connection with automatic commit off.
  abstract Connection open() throws SQLException;

  @Override
  public final <T> T write(Work<T> work) {
    return writers.run(work);
  }

  @Override
  public final <T> T read(Work<T> work) {
    return readers.run(work);
  }

  @Override
  public void close() {
    readers.close();
    writers.close();
  }

  /// A pool; at most `limit` are in use at once.
  private final class Connections {
    private final Semaphore permits;
    // Guarded by itself.
    private final Deque<Connection> idle = new ArrayDeque<>();

    Connections(int limit) {
      this.permits = new Semaphore(limit, true);
    }

    <T> T run(Work<T> work) {
      permits.acquireUninterruptibly();
      try {
        Connection connection = take();
        boolean usable = false;
        try {
          T result = work.apply(connection);
          connection.commit();
          usable = true;
          return result;
        } finally {
          giveBack(connection, usable);
        }
      } catch (SQLException e) {
        throw failure(e);
      } finally {
        permits.release();
      }
    }

    // Whoever waits for the request is told what he can do about a full disk.
    private static RuntimeException failure(SQLException e) {
      boolean full = e.getErrorCode() == SQLITE_FULL || POSTGRESQL_FULL.equals(e.getSQLState());
      return full
          ? new SandboxException(
              ErrorCode.STORE_FULL,
              "the disk of the server's store is full; nothing was changed, try again when there is"
                  + " room",
              e)
          : new StoreException("the store failed: " + e.getMessage(), e);
    }

    private Connection take() throws SQLException {
      synchronized (idle) {
        Connection connection = idle.poll();
        if (connection != null) {
          return connection;
        }
      }
      return open();
    }

    private void giveBack(Connection connection, boolean usable) {
      try {
        if (!usable) {
          connection.rollback();
        }
        synchronized (idle) {
          idle.push(connection);
        }
      } catch (SQLException _) { // a connection that cannot roll back is not handed out again
        closeQuietly(connection);
      }
    }

    void close() {
      synchronized (idle) {
        idle.forEach(JdbcDatabase::closeQuietly);
        idle.clear();
      }
    }
  }

  private static void closeQuietly(Connection connection) {
    try {
      connection.close();
    } catch (SQLException _) { // it is thrown away in any case
      return;
    }
  }
}
