package io.opensandbox.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
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
  private final Optional<StoreLock> lock;

  /// Opens `file` for one server. Throws [StoreException] when another one has it.
  public static SqliteDatabase alone(Path file) {
    Path normal = file.toAbsolutePath().normalize();
    StoreLock lock = StoreLock.take(normal);
    try {
      return new SqliteDatabase(normal, Optional.of(lock));
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /// Opens `file`, creating it and its parents when they are missing.
  ///
  /// @param file of the database; `-wal` and `-shm` stand beside it
  public SqliteDatabase(Path file) {
    this(file, Optional.empty());
  }

  private SqliteDatabase(Path file, Optional<StoreLock> lock) {
    super(READERS, 1);
    this.lock = lock;
    this.file = file.toAbsolutePath().normalize();
    createFile();
    SqliteLibrary.loadFrom(Objects.requireNonNull(this.file.getParent()));
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
  public void close() {
    super.close();
    lock.ifPresent(StoreLock::close);
  }

  @Override
  public String location() {
    return "sqlite:" + file;
  }

  @Override
  public boolean isShared() {
    return false;
  }

  @Override
  public String clock() {
    return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
  }

  @Override
  public void lock(Connection connection, Exclusive what) {
    // One server works on a file at a time, and it has one writer.
  }

  /// Writes a consistent copy of the data to `target` while servers go on working.
  ///
  /// @param target of which only the owner may read what is written; must not be there yet
  public void backup(Path target) throws IOException {
    Path file = target.toAbsolutePath().normalize();
    if (Files.exists(file)) {
      throw new FileAlreadyExistsException(file.toString(), null, "it exists already");
    }
    Path parent = Objects.requireNonNull(file.getParent());
    Path partial = Files.createTempFile(parent, "backup-", ".partial");
    try (Connection connection = source.getConnection();
        PreparedStatement statement = connection.prepareStatement("VACUUM INTO ?")) {
      statement.setString(1, partial.toString());
      statement.execute();
      try (FileChannel written = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        written.force(true);
      }
      Files.move(partial, file);
    } catch (SQLException e) {
      throw new StoreException("cannot copy the store: " + e.getMessage(), e);
    } finally {
      Files.deleteIfExists(partial);
    }
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
