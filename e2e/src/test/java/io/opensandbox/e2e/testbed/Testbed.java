package io.opensandbox.e2e.testbed;

import io.opensandbox.e2e.wire.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/// The server that all tests of one run share. It starts with the first test that asks for it and
/// ends with the virtual machine.
public final class Testbed {
  /// The metadata key by which a test run knows its own sandboxes.
  public static final String RUN_KEY = "e2e-run";

  /// This run's value of [#RUN_KEY].
  public static final String RUN = UUID.randomUUID().toString();

  private Testbed() {}

  /// The shared server.
  public static ServerProcess process() {
    return Shared.PROCESS;
  }

  /// A client of the shared server.
  public static Server server() {
    return Shared.PROCESS.client();
  }

  /// A sandbox of an image, ready for commands.
  public static TestSandbox create(Images image) {
    return create(Server.request(image.reference()));
  }

  /// A sandbox as requested, ready for commands. Adds the run's metadata.
  public static TestSandbox create(Map<String, Object> request) {
    return TestSandbox.create(server(), request);
  }

  private static final class Shared {
    static final ServerProcess PROCESS = start();

    private static ServerProcess start() {
      try {
        var folder = Files.createTempDirectory("opensandbox-e2e");
        var server = ServerProcess.start(folder);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server, folder)));
        return server;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void end(ServerProcess server, Path folder) {
      server.close();
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
