package io.opensandbox.runtime.local.network;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Tells whether something listens on a TCP port in the network of a process. For networks whose
/// way in takes every connection, and drops those that nobody wants.
public final class Listening {
  /// `TCP_LISTEN` as in `/proc/net/tcp`, proc(5).
  private static final String LISTEN = "0A";

  private Listening() {}

  /// Whether something listens there, on whatever address; false when the process has ended.
  public static boolean on(long pid, int port) {
    String local = ":%04X".formatted(port);
    return List.of("tcp", "tcp6").stream()
        .map(name -> Path.of("/proc", Long.toString(pid), "net", name))
        .anyMatch(table -> hasListener(table, local));
  }

  private static boolean hasListener(Path table, String local) {
    try {
      return Files.readAllLines(table).stream()
          .map(line -> line.strip().split("\\s+", -1))
          .anyMatch(
              fields -> fields.length > 3 && fields[1].endsWith(local) && fields[3].equals(LISTEN));
    } catch (IOException e) {
      return false;
    }
  }
}
