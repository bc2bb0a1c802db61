package io.opensandbox.runtime.local.network;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Tells where something listens for TCP. For networks whose way in takes every connection, and
/// drops those that nobody wants.
public final class Listening {
  /// `TCP_LISTEN` as in `/proc/net/tcp`, proc(5).
  private static final String LISTEN = "0A";

  /// A loopback address, whose bytes are written in reverse.
  private static final Pattern LOOPBACK =
      Pattern.compile("^\\s*\\d+: [0-9A-F]{4}([0-9A-F]{2})7F:[0-9A-F]{4} \\S+ " + LISTEN + " ");

  private Listening() {}

  /// The second bytes of the addresses in 127.0.0.0/8 on which somebody listens in our own network.
  static Set<Integer> blocks() throws IOException {
    return blocks(Files.readAllLines(Path.of("/proc/self/net/tcp")));
  }

  static Set<Integer> blocks(List<String> table) {
    return table.stream()
        .map(LOOPBACK::matcher)
        .filter(Matcher::find)
        .map(found -> Integer.valueOf(found.group(1), 16))
        .collect(Collectors.toSet());
  }

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
