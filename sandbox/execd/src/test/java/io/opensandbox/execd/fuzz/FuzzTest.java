package io.opensandbox.execd.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// No input makes the daemon crash, hang or blame itself. Runs shortly, always with the same seed;
/// `-Dexecd.fuzz.seconds=60` gives each target a minute, `-Dexecd.fuzz.seed=N` other inputs.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FuzzTest {
  private static final Path CORPUS = Path.of("src/test/resources/fuzz");
  private static final int INPUTS = 250;
  private static final int PATIENCE_MILLIS = 60_000;
  private static final int MAX_ANSWER_BYTES = 4 << 20;

  /// What the contract answers with 500 although the client could have known better.
  private static final Pattern CONTRACTED =
      Pattern.compile(
          "undefined environment variables|unknown language|no kernel for|no such session"
              + "|is not running|unsupported language|destination path already exists"
              + "|is a directory|not a directory|is not empty|cannot (chmod|chown)|error (creating|removing|changing|"
              + "replacing|renaming|moving|writing|unpacking|accessing|opening)|db is not initialized");

  private final long seed = Long.getLong("execd.fuzz.seed", 20261123L);
  private final long seconds = Long.getLong("execd.fuzz.seconds", 0L);

  private Targets targets;
  private FuzzedDaemon daemon;

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    // Deep, so that a few ".." stay inside of the test's folder.
    Path root = Files.createDirectories(directory.toRealPath().resolve("a/b/c/d/e/f/g/h/root"));
    Files.writeString(root.resolve("file"), "one\ntwo\nthree\n");
    Path envFile = directory.resolve("env");
    daemon = new FuzzedDaemon(root, Files.createDirectory(directory.resolve("state")), envFile);
    daemon.makeWhatRequestsName();
    targets = new Targets(root, envFile);
    System.out.println("fuzz: seed " + seed);
  }

  @AfterAll
  void stop() {
    daemon.close();
  }

  static Stream<String> targets() {
    return new Targets(Path.of("/"), Path.of("/")).all().keySet().stream();
  }

  @Test
  void everyTargetHasACorpus() throws IOException {
    try (Stream<Path> folders = Files.list(CORPUS)) {
      assertThat(folders.map(folder -> folder.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(targets().toList());
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void survives(String name) throws IOException {
    Map<String, Targets.Target> all = targets.all();
    Targets.Target target = Objects.requireNonNull(all.get(name));
    Inputs inputs = Inputs.of(CORPUS.resolve(name), seed);
    long deadline = System.nanoTime() + seconds * 1_000_000_000L;
    int least = seconds > 0 ? inputs.corpusSize() : inputs.corpusSize() + INPUTS;

    for (int count = 0; count < least || System.nanoTime() < deadline; count++) {
      byte[] input = inputs.next();
      check(target.request(input));
    }

    assertThat(daemon.server().get("/ping").status()).isEqualTo(200);
  }

  private void check(byte[] request) throws IOException {
    String answer = answer(request);
    List<Throwable> failures = daemon.server().failures();
    failures.removeIf(FuzzTest::isOurDoing);
    assertThat(failures).as(() -> shown(request)).isEmpty();
    if (answer.isEmpty()) {
      return; // the request was not complete, or nothing but a piece of a protocol
    }
    assertThat(answer).as(() -> shown(request)).matches("(?s)HTTP/1\\.1 [1-5]\\d\\d .*");
    if (answer.startsWith("HTTP/1.1 500")) {
      assertThat(answer).as(() -> shown(request)).containsPattern(CONTRACTED);
    }
  }

  /// A request that ends in its middle, or a client that leaves, is a failure to the server's log.
  private static boolean isOurDoing(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return failure instanceof EOFException
        || failure instanceof ClosedChannelException
        || message.contains("Broken pipe")
        || message.contains("Connection reset");
  }

  /// Sends everything, ends sending, and reads to the end.
  private String answer(byte[] request) throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), daemon.server().server().port())) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      send(socket, request);
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[8192];
      for (int count = in.read(buffer);
          count >= 0 && answer.size() < MAX_ANSWER_BYTES;
          count = in.read(buffer)) {
        answer.write(buffer, 0, count);
      }
    } catch (SocketException _) {
      // The server need not read a request to its end before it closes.
    }
    return answer.toString(StandardCharsets.ISO_8859_1);
  }

  private static void send(Socket socket, byte[] request) throws IOException {
    try {
      socket.getOutputStream().write(request);
      socket.shutdownOutput();
    } catch (SocketException _) {
      // It has answered already, and that is what is read next.
    }
  }

  private static String shown(byte[] request) {
    String text = new String(request, StandardCharsets.ISO_8859_1);
    return "request "
        + HexFormat.of().formatHex(request, 0, Math.min(request.length, 2048))
        + "\n"
        + text.substring(0, Math.min(text.length(), 2048));
  }
}
