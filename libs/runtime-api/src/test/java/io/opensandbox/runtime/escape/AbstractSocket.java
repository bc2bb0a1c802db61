package io.opensandbox.runtime.escape;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/// An abstract UNIX socket of the host, which Java cannot make: held by a Python program, and
/// connected to once, so that it is known to listen.
final class AbstractSocket implements AutoCloseable {
  private static final String PROGRAM =
      """
      import socket, sys
      listening = socket.socket(socket.AF_UNIX)
      listening.bind("\\0" + sys.argv[1])
      listening.listen(5)
      socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[1])
      print("listens", flush=True)
      sys.stdin.read()
      """;

  private final String name = "osb-escape-" + UUID.randomUUID();
  private final Process holder;

  AbstractSocket() throws IOException {
    holder = new ProcessBuilder("python3", "-c", PROGRAM, name).start();
    BufferedReader out = holder.inputReader(StandardCharsets.UTF_8);
    if (!"listens".equals(out.readLine())) {
      throw new IOException(
          "no abstract socket: "
              + new String(holder.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  String name() {
    return name;
  }

  @Override
  public void close() {
    holder.destroyForcibly();
  }
}
