package io.opensandbox.execd.sql;

import java.io.IOException;
import java.net.InetSocketAddress;

/// The database `sandbox` on the server that the sandbox itself runs. Every statement has its own
/// connection, so a server that comes up later is found, and one that went away is no lasting
/// error.
public final class SqlDatabase {
  private static final String DATABASE = "sandbox";
  private static final String USER = "root";

  private final InetSocketAddress address;

  /// A database that is contacted when a statement is run.
  ///
  /// @param address where the server listens, `127.0.0.1:3306` by contract
  public SqlDatabase(InetSocketAddress address) {
    this.address = address;
  }

  /// Runs one statement; blocks as long as it takes.
  public SqlResult run(String statement) throws SqlException {
    try (MysqlConnection connection = connect()) {
      return connection.run(statement);
    } catch (SqlException e) {
      throw e;
    } catch (IOException e) {
      throw new SqlException(stage(statement), String.valueOf(e.getMessage()), e);
    }
  }

  private MysqlConnection connect() throws SqlException {
    try {
      MysqlConnection connection = MysqlConnection.open(address, USER);
      try {
        connection.run("CREATE DATABASE IF NOT EXISTS " + DATABASE);
        connection.use(DATABASE);
        return connection;
      } catch (IOException e) {
        connection.close();
        throw e;
      }
    } catch (IOException e) {
      throw new SqlException(
          SqlException.Stage.CONNECT,
          "cannot use the database at " + address + ": " + e.getMessage(),
          e);
    }
  }

  private static SqlException.Stage stage(String statement) {
    String trimmed = statement.stripLeading();
    return trimmed.regionMatches(true, 0, "select", 0, 6)
        ? SqlException.Stage.QUERY
        : SqlException.Stage.EXECUTE;
  }
}
