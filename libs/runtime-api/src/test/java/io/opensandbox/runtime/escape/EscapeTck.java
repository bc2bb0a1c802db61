package io.opensandbox.runtime.escape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Runs every attempt on one runtime, all in one sandbox, and holds its output against what must
/// happen.
public abstract class EscapeTck {
  private static final String MARK = "@@@ attempt ";

  /// Where nobody but root can put something in its place.
  private static final String CLOUD = "169.254.169.254";

  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final int ALL_LINES = 100_000;

  /// The runtime under test.
  protected abstract SandboxRuntime runtime();

  /// An image on the host with bash, coreutils, util-linux and python3.
  protected abstract String image();

  /// Where this runtime differs: outcomes by the attempt's name, each with its reason beside it.
  protected Map<String, String> differences() {
    return Map.of();
  }

  /// Further attempts, which only this runtime's images make sense of.
  protected List<Attempt> more() {
    return List.of();
  }

  @TestFactory
  Stream<DynamicTest> attemptsFail() throws IOException {
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "they know amd64's calls only");
    List<Attempt> attempts = new ArrayList<>();
    List<String> outputs;
    try (ServerSocket loopback = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        AbstractSocket socket = new AbstractSocket();
        OutsideService metadata = OutsideService.linkLocal()) {
      attempts.addAll(
          Attempts.on(
              ProcessHandle.current().pid(),
              loopback.getLocalPort(),
              socket.name(),
              metadata.address().orElse(CLOUD)));
      attempts.addAll(more());
      outputs = outputs(attempts);
    }

    return Stream.iterate(0, i -> i < attempts.size(), i -> i + 1)
        .map(i ->
            DynamicTest.dynamicTest(
                attempts.get(i).name(), () -> check(attempts.get(i), outputs.get(i))));
  }

  private void check(Attempt attempt, String output) {
    String outcome = differences().getOrDefault(attempt.name(), attempt.outcome());

    assertThat(output).as(attempt.name()).matches(outcome);
    assertThat(Files.exists(Path.of("/usr/bin/osb-escaped"))).isFalse();
    assertThat(modeOf(Path.of("/dev/full"))).as("the host's device").isEqualTo("rw-rw-rw-");
  }

  private static String modeOf(Path file) {
    try {
      return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> outputs(List<Attempt> attempts) {
    PreparedImage prepared = runtime().prepareImage(ImageRequest.of(image()), _ -> {});
    String id = UUID.randomUUID().toString();
    runtime()
        .create(
            new SandboxSpec(
                id,
                List.of("bash", "-c", script(attempts)),
                Map.of(),
                ResourceLimits.NONE,
                List.of(),
                Map.of(Labels.ID, id, Labels.MANUAL_CLEANUP, "true"),
                Optional.empty()),
            prepared);
    try {
      runtime().start(id);
      awaitEnd(id);
      return split(runtime().logs(id, ALL_LINES, Optional.empty(), false), attempts.size());
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
  }

  private static String script(List<Attempt> attempts) {
    StringBuilder script = new StringBuilder("cd /\n");
    for (int i = 0; i < attempts.size(); i++) {
      String quoted = attempts.get(i).script().replace("'", "'\\''");
      script.append("printf '\\n%s%%d\\n' %d\n".formatted(MARK, i));
      script.append("timeout -k 5 60 bash -c '%s' 2>&1\n".formatted(quoted));
    }
    return script.append("printf '\\n%s%%d\\n' %d\n".formatted(MARK, attempts.size())).toString();
  }

  private void awaitEnd(String id) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (runtime().find(id).orElseThrow().state() != RuntimeSandbox.State.EXITED) {
      assertThat(System.nanoTime()).as("the attempts end").isLessThan(deadline);
      LockSupport.parkNanos(20_000_000);
    }
  }

  private static List<String> split(String log, int count) {
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String begin = MARK + i + "\n";
      int from = log.indexOf(begin);
      int to = log.indexOf("\n" + MARK + (i + 1) + "\n", Math.max(0, from));
      assertThat(List.of(from, to))
          .as("the output of attempt %d in%n%s", i, log)
          .doesNotContain(-1);
      outputs.add(log.substring(from + begin.length(), Math.max(to, from + begin.length())));
    }
    return outputs;
  }
}
