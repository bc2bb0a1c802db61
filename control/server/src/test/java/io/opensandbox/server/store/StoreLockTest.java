package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who may open an SQLite file.
class StoreLockTest {
  @TempDir Path folder;

  @Test
  void aSecondServerIsRefusedUntilTheFirstHasClosed() {
    Path file = folder.resolve("deep/store.db");
    try (var first = SqliteDatabase.alone(file)) {
      assertThat(first.location()).endsWith("deep/store.db");

      assertThatThrownBy(() -> SqliteDatabase.alone(folder.resolve("deep/../deep/store.db")))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("another server uses the store \"" + file + "\"")
          .hasMessageContaining("store.type");
    }
    try (var next = SqliteDatabase.alone(file)) {
      assertThat(next.location()).endsWith("deep/store.db");
    }
  }

  @Test
  void aBackupNeedsNoLock() {
    Path file = folder.resolve("store.db");
    try (var server = SqliteDatabase.alone(file);
        var backup = new SqliteDatabase(file)) {
      assertThat(backup.location()).isEqualTo(server.location());
    }
  }
}
