package io.opensandbox.runtime.local.disk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What is mounted in this process's mount namespace.
public final class Mounts {
  private static final Path TABLE = Path.of("/proc/self/mountinfo");

  private Mounts() {}

  /// Whether a file system of `type` is mounted at `directory`, which exists.
  public static boolean has(Path directory, String type) throws IOException {
    return has(Files.readAllLines(TABLE), directory.toRealPath(), type);
  }

  /// The same in the lines of such a table (proc_pid_mountinfo(5)).
  static boolean has(List<String> table, Path directory, String type) {
    return table.stream()
        .map(line -> line.split(" - ", 2))
        .anyMatch(halves ->
            halves.length == 2
                && halves[1].startsWith(type + " ")
                && halves[0].split(" ", 6)[4].equals(escaped(directory.toString())));
  }

  /// The kernel writes what would end a field by its number.
  private static String escaped(String path) {
    return path.replace("\\", "\\134")
        .replace(" ", "\\040")
        .replace("\t", "\\011")
        .replace("\n", "\\012");
  }
}
