package io.opensandbox.server.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;

/// A PostgreSQL database, which several servers may share.
public final class PostgresqlDatabase implements Database {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
  private static final int MAX_TRIES = 5;
  // Serialization failure and deadlock: the transaction was rolled back and may be run again.
  private static final Set<String> CONFLICTS = Set.of("40001", "40P01");
  // Any numbers, the same in every version of this program.
  private static final long FIRST_LOCK = 7_236_548_813L;

  private final HikariDataSource source;
  private final String location;

  /// Connects.
  ///
  /// Throws [StoreException] when the database cannot be reached within ten seconds.
  public PostgresqlDatabase(PostgresqlAddress address) {
    this(address, CONNECT_LIMIT);
  }

  PostgresqlDatabase(PostgresqlAddress address, Duration connectLimit) {
    this.location = address.location();
    var config = new HikariConfig();
    config.setPoolName("store");
    config.setJdbcUrl(address.jdbcUrl());
    address.user().ifPresent(config::setUsername);
    address.password().ifPresent(config::setPassword);
    config.setAutoCommit(false);
    config.setMaximumPoolSize(address.maxConnections());
    config.setMinimumIdle(1);
    config.setConnectionTimeout(CONNECT_LIMIT.toMillis());
    config.setInitializationFailTimeout(connectLimit.toMillis());
    config.addDataSourceProperty("ApplicationName", "opensandbox-server");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    config.addDataSourceProperty("connectTimeout", CONNECT_LIMIT.toSeconds());
    try {
      this.source = new HikariDataSource(config);
    } catch (PoolInitializationException e) {
      throw new StoreException("cannot connect to " + location + ": " + reason(e), e);
    }
  }

  private static String reason(Throwable e) {
    Throwable deepest = e;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    return String.valueOf(deepest.getMessage());
  }

  @Override
  public <T> T write(Work<T> work) {
    for (int i = 1; ; i++) {
      try {
        return run(work);
      } catch (SQLException e) {
        if (i == MAX_TRIES || !CONFLICTS.contains(String.valueOf(e.getSQLState()))) {
          throw new StoreException("the store failed: " + e.getMessage(), e);
        }
      }
    }
  }

  @Override
  public <T> T read(Work<T> work) {
    try {
      return run(work);
    } catch (SQLException e) {
      throw new StoreException("the store failed: " + e.getMessage(), e);
    }
  }

  private <T> T run(Work<T> work) throws SQLException {
    try (Connection connection = source.getConnection()) {
      // Closing an uncommitted connection of the pool rolls it back.
      T result = work.apply(connection);
      connection.commit();
      return result;
    }
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public boolean isShared() {
    return true;
  }

  @Override
  public String clock() {
    return "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
  }

  @Override
  public void lock(Connection connection, Exclusive what) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      long key =
          switch (what) {
            case MIGRATION -> FIRST_LOCK;
            case SNAPSHOT_QUOTA -> FIRST_LOCK + 1;
          };
      statement.execute("SELECT pg_advisory_xact_lock(" + key + ")");
    }
  }

  @Override
  public void close() {
    source.close();
  }
}
