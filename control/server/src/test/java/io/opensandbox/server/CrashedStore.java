package io.opensandbox.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/// The files of a store as a SIGKILL of its server would leave them.
public final class CrashedStore {
  private static final List<String> FILES = List.of("store.db", "store.db-wal");

  private CrashedStore() {}

  /// Copies the store in `folder` into a new folder within it. Nobody writes meanwhile: files
  /// copied at different states would not belong together.
  public static Path copy(Path folder) throws IOException {
    Path copy = Files.createTempDirectory(folder, "crashed");
    String store = "jdbc:sqlite:" + folder.resolve(FILES.getFirst());
    try (Connection connection = DriverManager.getConnection(store);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout = 60000");
      statement.execute("BEGIN IMMEDIATE");
      for (String name : FILES) {
        if (Files.exists(folder.resolve(name))) {
          Files.copy(folder.resolve(name), copy.resolve(name));
        }
      }
      statement.execute("ROLLBACK");
    } catch (SQLException e) {
      throw new IOException(e);
    }
    return copy;
  }
}
