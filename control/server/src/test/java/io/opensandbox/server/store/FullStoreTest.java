package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A store that has no room left.
class FullStoreTest {
  @TempDir Path folder;

  @Test
  void aFullStoreRefusesAChangeAsAWholeAndGoesOnWhenThereIsRoom() {
    try (var database = new SqliteDatabase(folder.resolve("store.db"))) {
      run(database, "CREATE TABLE t (x BLOB)");

      // A file that may not grow gives the same fault as a disk that is full.
      assertThatThrownBy(() ->
              run(
                  database,
                  "PRAGMA max_page_count = 1",
                  "INSERT INTO t VALUES (1)",
                  "INSERT INTO t VALUES (zeroblob(1048576))"))
          .isInstanceOfSatisfying(
              SandboxException.class,
              fault -> assertThat(fault.code()).isEqualTo(ErrorCode.STORE_FULL))
          .hasMessageStartingWith("the disk of the server's store is full");

      run(database, "PRAGMA max_page_count = 1073741823", "INSERT INTO t VALUES (2)");
      assertThat(
              database.<String>read(connection -> {
                try (var statement = connection.createStatement();
                    var rows = statement.executeQuery("SELECT group_concat(x) FROM t")) {
                  return rows.getString(1);
                }
              }))
          .isEqualTo("2");
    }
  }

  private static void run(Database database, String... statements) {
    boolean _ =
        database.write(connection -> {
          try (var statement = connection.createStatement()) {
            for (String sql : statements) {
              statement.execute(sql);
            }
            return true;
          }
        });
  }
}
