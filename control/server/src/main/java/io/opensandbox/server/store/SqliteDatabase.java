package io.opensandbox.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumSet;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/// One SQLite file in WAL mode: one writer, several readers.
///
/// Requests being provisioned hold environment variables, so only the owner may read the file.
public final class SqliteDatabase extends JdbcDatabase {
  private static final int READERS = 4;
  private static final int BUSY_MILLIS = 5000;

  private final Path file;
  private final SQLiteDataSource source;

  /// Opens `file`, creating it and its parents when they are missing.
  ///
  /// @param file of the database; `-wal` and `-shm` stand beside it
  public SqliteDatabase(Path file) {
    super(READERS, 1);
    this.file = file.toAbsolutePath().normalize();
    createFile();
    var config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
    config.setBusyTimeout(BUSY_MILLIS);
    config.setTransactionMode(SQLiteConfig.TransactionMode.DEFERRED);
    this.source = new SQLiteDataSource(config);
    source.setUrl("jdbc:sqlite:" + this.file);
  }

  @Override
  Connection open() throws SQLException {
    Connection connection = source.getConnection();
    connection.setAutoCommit(false);
    return connection;
  }

  @Override
  public String location() {
    return "sqlite:" + file;
  }

  private void createFile() {
    try {
      Path parent = file.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      if (!Files.exists(file)) {
        Files.createFile(file);
        Files.setPosixFilePermissions(
            file, EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot create the store \"" + file + "\"", e);
    }
  }
}
