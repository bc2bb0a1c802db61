package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Copies of an SQLite store that is in use.
class BackupTest {
  @TempDir Path folder;

  @Test
  void aCopyOfAStoreInUseIsWholeAndPrivate() throws Exception {
    Path copy = folder.resolve("copy.db");
    try (var database = new SqliteDatabase(folder.resolve("store.db"))) {
      Migrations.run(database);
      database.write(connection -> Sql.of(connection, "CREATE TABLE pairs (a, b)").update());
      var stop = new AtomicBoolean();
      var begun = new CountDownLatch(1);
      Thread writer =
          Thread.ofVirtual()
              .start(() -> {
                for (int i = 0; !stop.get(); i++) {
                  long number = i;
                  database.write(connection ->
                      Sql.of(connection, "INSERT INTO pairs VALUES (?, ?)")
                          .with(number)
                          .with(number)
                          .update());
                  begun.countDown();
                }
              });
      begun.await();

      try (var other = new SqliteDatabase(folder.resolve("store.db"))) {
        other.backup(copy);
      }
      stop.set(true);
      writer.join();
    }

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
        .isEqualTo("rw-------");
    try (var restored = new SqliteDatabase(copy)) {
      Migrations.run(restored);
      long[] counts =
          restored.read(connection ->
              Sql.of(connection, "SELECT COUNT(*) AS pairs, SUM(a = b) AS whole FROM pairs")
                  .first(row -> new long[] {row.number("pairs"), row.number("whole")})
                  .orElseThrow());
      assertThat(counts[0]).isPositive().isEqualTo(counts[1]);
    }
  }

  @Test
  void anExistingFileIsNotOverwritten() throws Exception {
    Path copy = Files.writeString(folder.resolve("copy.db"), "mine");
    try (var database = new SqliteDatabase(folder.resolve("store.db"))) {
      assertThatThrownBy(() -> database.backup(copy))
          .isInstanceOf(FileAlreadyExistsException.class);
    }

    assertThat(copy).hasContent("mine");
    try (var files = Files.list(folder)) {
      assertThat(files).noneMatch(file -> file.toString().endsWith(".partial"));
    }
  }
}
