package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteLibraryTest {
  @TempDir Path folder;

  @Test
  void isUnpackedOnce_andNothingElseIsLeft() throws IOException {
    Path file = SqliteLibrary.unpack(folder).orElseThrow();
    Object first = Files.getAttribute(file, "unix:ino");

    assertThat(SqliteLibrary.unpack(folder)).contains(file);

    assertThat(Files.getAttribute(file, "unix:ino")).isEqualTo(first);
    assertThat(Files.size(file)).isGreaterThan(100_000);
    try (Stream<Path> all = Files.list(folder)) {
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void isNotLookedForWhereOthersMayWrite() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));

    assertThat(SqliteLibrary.unpack(folder)).isEmpty();
    try (Stream<Path> all = Files.list(folder)) {
      assertThat(all).isEmpty();
    }
  }
}
