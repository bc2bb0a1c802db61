package io.opensandbox.execd.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecutablesTest {
  @TempDir Path folder;

  @Test
  void findsFirstExecutableFileInOrder() throws IOException {
    Path first = Files.createDirectories(folder.resolve("a"));
    Path second = Files.createDirectories(folder.resolve("b"));
    Files.createFile(first.resolve("tool")); // not executable
    Files.createDirectory(first.resolve("other")); // not a file
    for (String name : new String[] {"tool", "other"}) {
      assertThat(Files.createFile(second.resolve(name)).toFile().setExecutable(true)).isTrue();
    }

    String path = first + ":" + second;

    assertThat(Executables.find("tool", path)).contains(second + "/tool");
    assertThat(Executables.find("other", path)).contains(second + "/other");
    assertThat(Executables.find("none", path)).isEmpty();
  }

  @Test
  void nameWithSlashIsTakenAsItIs() {
    assertThat(Executables.find("./x", "/bin")).contains("./x");
  }

  @Test
  void oddNamesAreNotFound() {
    assertThat(Executables.find("", "/bin")).isEmpty();
    assertThat(Executables.find("a\0b", "/bin")).isEmpty();
    assertThat(Executables.find("surely-not-here", "")).isEmpty();
  }
}
