package io.opensandbox.server.store;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One empty, migrated database of a kind, for as many servers as a test opens.
public final class TestDatabase implements AutoCloseable {
  /// Each database that the server can use.
  public enum Kind {
    SQLITE,
    POSTGRESQL
  }

  private final Path folder;
  private final Optional<PostgresqlAddress> address;
  private final List<Database> opened = new ArrayList<>();

  /// Skips the test when there is no PostgreSQL.
  public TestDatabase(Kind kind, Path folder) {
    this.folder = folder;
    if (kind == Kind.POSTGRESQL) {
      assumeTrue(PostgresqlServer.isInstalled(), "the Debian package postgresql is not installed");
      this.address = Optional.of(PostgresqlServer.shared().newDatabase());
    } else {
      this.address = Optional.empty();
    }
    Migrations.run(open());
  }

  /// Connects.
  public Database open() {
    Database database =
        address.isPresent()
            ? new PostgresqlDatabase(address.get())
            : new SqliteDatabase(folder.resolve("store.db"));
    opened.add(database);
    return database;
  }

  /// The database as the server `holder` sees it.
  public Store store(String holder, Duration lease) {
    return new Store(open(), holder, lease);
  }

  @Override
  public void close() {
    opened.forEach(Database::close);
  }
}
