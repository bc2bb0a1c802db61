package io.opensandbox.execd.telemetry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What `/proc` tells of processes and of the network. A file that is missing counts as empty.
final class SystemNumbers {
  private static final String ESTABLISHED = "01";

  private final Path proc;

  SystemNumbers(Path proc) {
    this.proc = proc;
  }

  long processes() {
    long count = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path _ : entries) {
        count++;
      }
    } catch (IOException _) {
      return 0;
    }
    return count;
  }

  /// Bytes over all interfaces since they exist.
  record Traffic(long in, long out) {}

  /// The columns of `/proc/net/dev`, see proc_pid_net(5): received bytes first, sent bytes ninth.
  Traffic traffic() {
    long in = 0;
    long out = 0;
    for (String line : lines("net/dev")) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        continue;
      }
      String[] columns = line.substring(colon + 1).strip().split("\\s+", -1);
      if (columns.length > 8) {
        in += number(columns[0]);
        out += number(columns[8]);
      }
    }
    return new Traffic(in, out);
  }

  long tcpConnections() {
    return sockets("net/tcp", true) + sockets("net/tcp6", true);
  }

  long udpSockets() {
    return sockets("net/udp", false) + sockets("net/udp6", false);
  }

  private long sockets(String file, boolean establishedOnly) {
    return lines(file).stream()
        .skip(1)
        .map(line -> line.strip().split("\\s+", 5))
        .filter(columns -> columns.length > 3)
        .filter(columns -> !establishedOnly || columns[3].equals(ESTABLISHED))
        .count();
  }

  private List<String> lines(String file) {
    try {
      return Files.readAllLines(proc.resolve(file), StandardCharsets.ISO_8859_1);
    } catch (IOException _) {
      return List.of();
    }
  }

  private static long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException _) {
      return 0;
    }
  }
}
