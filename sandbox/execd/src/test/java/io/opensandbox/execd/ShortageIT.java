package io.opensandbox.execd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.process.TestBroker;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The daemon without processes or descriptors to spare: it says so, and goes on when there are
/// some again. It runs in a JVM of its own, which is given little.
@Timeout(300)
class ShortageIT {
  private static final Pattern PORT = Pattern.compile("execd serves on port (\\d+)");
  private static final Pattern INIT = Pattern.compile("\"type\":\"init\",\"text\":\"(\\w+)\"");

  /// Far more than what fits into the limits below.
  private static final int MANY = 400;

  @TempDir private Path directory;
  private @Nullable TestBroker broker;
  private @Nullable Process daemon;

  @AfterEach
  void stop() throws IOException {
    if (daemon != null) {
      daemon.destroyForcibly().onExit().join();
    }
    if (broker != null) {
      broker.close();
    }
  }

  /// Starts a daemon and gives its port.
  private int start(TestBroker itsBroker, String... prefix) throws IOException {
    broker = itsBroker;
    List<String> command = new ArrayList<>(List.of(prefix));
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.addAll(List.of("-Xmx64m", "-cp", classPath()));
    command.add("-Dexecd.broker=" + itsBroker.socket());
    command.addAll(List.of("io.opensandbox.execd.Main", "--port=0", "--hibernate-after=0"));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("TMPDIR", directory.toString());
    builder.environment().remove("EXECD_LOG_FILE");
    Process started = builder.start();
    daemon = started;
    BufferedReader log =
        new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8));
    StringBuilder said = new StringBuilder();
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      said.append(line).append('\n');
      Matcher port = PORT.matcher(line);
      if (port.find()) {
        Thread.ofVirtual().start(() -> drain(log));
        return Integer.parseInt(port.group(1));
      }
    }
    throw new IOException("the daemon did not come up: " + said);
  }

  /// Folders of classes as archives, as the daemon has them: a class that is needed when
  /// descriptors are short costs none.
  private String classPath() throws IOException {
    List<String> archives = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      archives.add(Files.isDirectory(path) ? archive(path, archives.size()).toString() : entry);
    }
    return String.join(File.pathSeparator, archives);
  }

  private Path archive(Path folder, int number) throws IOException {
    Path archive = directory.resolve("classes-" + number + ".jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive));
        Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
        Files.copy(file, out);
      }
    }
    return archive;
  }

  private static void drain(BufferedReader log) {
    try {
      while (log.readLine() != null) {
        // nobody wants it
      }
    } catch (IOException _) {
      return; // it was ended
    }
  }

  private static RawClient.Response request(
      RawClient client, String method, String target, String body) throws IOException {
    return client
        .send(
            "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(method, target, body.length(), body))
        .receive();
  }

  private static RawClient.Response run(RawClient client, String command) throws IOException {
    return request(client, "POST", "/command", command);
  }

  /// The test's time limit ends a vain wait.
  private static void awaitSuccess(int port) throws IOException {
    try (RawClient client = new RawClient(port)) {
      while (!run(client, "{\"command\":\"true\"}").body().contains("execution_complete")) {
        LockSupport.parkNanos(10_000_000);
      }
    }
  }

  @Test
  void withoutProcesses_aCommandSaysSo_andLaterOnesRun() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "needs util-linux");
    assumeTrue(Files.getOwner(directory).getName().equals("root"), "needs root");
    // A user of its own, so that nobody else's processes count, and without what exempts from
    // limits.
    String user = Long.toString(2_000_000 + ProcessHandle.current().pid());
    int port =
        start(
            TestBroker.start(
                "setpriv",
                "--ruid",
                user,
                "--euid",
                "0",
                "--bounding-set",
                "-sys_resource,-sys_admin",
                "prlimit",
                "--nproc=30"));

    List<String> ids = new ArrayList<>();
    String sleep = "{\"argv\":[\"/bin/sleep\",\"1000\"],\"background\":true}";
    try (RawClient client = new RawClient(port)) {
      String answer = start(client, sleep, ids);
      while (answer.contains("execution_complete") && ids.size() < MANY) {
        answer = start(client, sleep, ids);
      }
      assertThat(answer).contains("\"type\":\"error\"", "fork: Resource temporarily unavailable");
      RawClient.Response status = request(client, "GET", "/command/status/" + ids.getLast(), "");
      assertThat(status.body()).contains("\"running\":false", "Resource temporarily unavailable");
      assertThat(request(client, "GET", "/ping", "").status()).isEqualTo(200);
      for (String id : ids.subList(0, ids.size() - 1)) {
        assertThat(request(client, "DELETE", "/command?id=" + id, "").status()).isEqualTo(200);
      }
    }
    awaitSuccess(port);
  }

  private static String start(RawClient client, String command, List<String> ids)
      throws IOException {
    String answer = run(client, command).body();
    Matcher id = INIT.matcher(answer);
    assertThat(id.find()).as(answer).isTrue();
    ids.add(id.group(1));
    return answer;
  }

  @Test
  void withoutDescriptors_requestsSaySo_andLaterOnesAreServed() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "needs util-linux");
    Path file = Files.writeString(directory.resolve("file"), "content");
    int port = start(TestBroker.start(), "prlimit", "--nofile=100:100");
    String download = "/files/download?path=" + file;
    List<RawClient> clients = new ArrayList<>();
    try (RawClient first = new RawClient(port)) {
      assertThat(request(first, "GET", download, "").status()).isEqualTo(200);
      for (int i = 0; i < MANY; i++) {
        clients.add(new RawClient(port)); // those that do not fit wait in the listener
      }

      RawClient.Response refused = request(first, "GET", download, "");
      while (refused.status() == 200) {
        refused = request(first, "GET", download, "");
      }

      assertThat(refused.status()).as(refused.body()).isEqualTo(503);
      assertThat(refused.body()).contains("RUNTIME_ERROR", "Too many open files");
      RawClient.Response command = run(first, "{\"command\":\"true\"}");
      assertThat(command.body()).contains("Too many open files");
      assertThat(request(first, "GET", "/ping", "").status()).isEqualTo(200);
    } finally {
      clients.forEach(RawClient::close);
    }
    awaitSuccess(port);
  }
}
