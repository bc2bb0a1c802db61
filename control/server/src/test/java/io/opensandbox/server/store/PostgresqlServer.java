package io.opensandbox.server.store;

import io.opensandbox.runtime.FreePort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A real PostgreSQL in a temporary directory, one for the JVM, gone with it. As root it runs as
/// `nobody`, because PostgreSQL refuses to run as root.
public final class PostgresqlServer {
  private static final String USER = "opensandbox";
  private static final String PASSWORD = "pass'word \\ä";
  private static final int MAX_PORT_TRIES = 10;
  private static @Nullable PostgresqlServer instance;

  private final AtomicInteger databases = new AtomicInteger();
  private final Path folder;
  private final Path programs;
  private int port;

  private PostgresqlServer(Path programs) throws IOException, InterruptedException {
    this.programs = programs;
    this.folder = Files.createTempDirectory("opensandbox-pg-");
    Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    if (isRoot()) {
      run(List.of("chown", "-R", "nobody:nogroup", folder.toString()));
    }
    run(
        asUser(
            "initdb",
            "-D",
            folder.resolve("data").toString(),
            "-U",
            USER,
            "--pwfile",
            password.toString(),
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync"));
    start();
  }

  /// Whether the Debian package `postgresql` is there.
  public static boolean isInstalled() {
    return programs().isPresent();
  }

  /// The server of this JVM, started by the first call.
  public static synchronized PostgresqlServer shared() {
    if (instance == null) {
      try {
        instance = new PostgresqlServer(programs().orElseThrow());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
    return instance;
  }

  /// Makes an empty database.
  public PostgresqlAddress newDatabase() {
    String name = "test" + databases.incrementAndGet();
    try (Connection connection =
            DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + port + "/postgres", USER, PASSWORD);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return PostgresqlAddress.parse(
        "postgresql://127.0.0.1:" + port + "/" + name, Optional.of(USER), Optional.of(PASSWORD), 4);
  }

  /// Configuration for a server that uses `address`.
  public static String toml(PostgresqlAddress address, int leaseSeconds) {
    return """
    store.type = "postgresql"
    store.url = "%s"
    store.user = "%s"
    store.password = '''%s'''
    store.max_connections = 8
    store.lease_seconds = %d
    """
        .formatted(address.location(), USER, PASSWORD, leaseSeconds);
  }

  private void start() throws IOException, InterruptedException {
    for (int i = 1; ; i++) {
      port = FreePort.find();
      Process process =
          new ProcessBuilder(
                  asUser(
                      "postgres",
                      "-D",
                      folder.resolve("data").toString(),
                      "-p",
                      Integer.toString(port),
                      "-c",
                      "listen_addresses=127.0.0.1",
                      "-c",
                      "unix_socket_directories=" + folder,
                      "-c",
                      "fsync=off"))
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .start();
      StringBuilder output = new StringBuilder();
      if (isReady(process, output)) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(process)));
        return;
      }
      process.waitFor();
      if (i == MAX_PORT_TRIES) {
        throw new IOException("PostgreSQL does not start: " + output);
      }
    }
  }

  private static boolean isReady(Process process, StringBuilder output) throws IOException {
    var lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      output.append(line).append('\n');
      if (line.contains("ready to accept connections")) {
        Thread.ofVirtual().start(() -> drain(lines));
        return true;
      }
    }
    return false;
  }

  private static void drain(BufferedReader lines) {
    try {
      while (lines.readLine() != null) {
        // What it logs while it runs is of no interest.
      }
    } catch (IOException _) { // it ended
      return;
    }
  }

  private void stop(Process process) {
    process.destroyForcibly();
    try (Stream<Path> files = Files.walk(folder)) {
      process.waitFor(20, TimeUnit.SECONDS);
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException _) { // its last processes may still write
      return;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static Optional<Path> programs() {
    try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
      return versions
          .map(version -> version.resolve("bin"))
          .filter(bin -> Files.isExecutable(bin.resolve("initdb")))
          .max(Comparator.naturalOrder());
    } catch (IOException _) { // not installed
      return Optional.empty();
    }
  }

  private List<String> asUser(String program, String... arguments) {
    List<String> command = new ArrayList<>();
    if (isRoot()) {
      command.addAll(List.of("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"));
    }
    command.add(programs.resolve(program).toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  private void run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(command + " failed: " + output);
    }
  }
}
