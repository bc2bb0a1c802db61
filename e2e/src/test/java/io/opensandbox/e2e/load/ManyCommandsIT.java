package io.opensandbox.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Execution;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Two hundred commands at once in one sandbox.
class ManyCommandsIT {
  private static final int COMMANDS = 200;
  private static final int LINES = 50;
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @Test
  void everyOutputIsCompleteAndInOrder_andNothingIsLeft() throws Exception {
    try (var sandbox = Testbed.create(Images.PYTHON)) {
      var execd = sandbox.execd();
      runAtOnce(execd, COMMANDS); // what is made once (pools, caches) is not a leak
      settle(execd);
      var before = census(execd);

      var executions = runAtOnce(execd, COMMANDS);

      for (int i = 0; i < COMMANDS; i++) {
        assertThat(executions.get(i).stdout()).as("command " + i).isEqualTo(expected(i));
        assertThat(executions.get(i).exitCode()).as("command " + i).isEqualTo(i % 3);
      }
      assertThat(executions.stream().map(Execution::id).distinct()).hasSize(COMMANDS);
      awaitNothingLeft(execd, before);
    }
  }

  private static List<Execution> runAtOnce(Execd execd, int count) throws Exception {
    var running = new ArrayList<Future<Execution>>();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        int number = i;
        running.add(
            tasks.submit(() ->
                execd.run(
                    "i=0; while [ $i -lt "
                        + LINES
                        + " ]; do echo "
                        + number
                        + "-$i; i=$((i+1)); done; exit "
                        + number % 3)));
      }
    }
    var executions = new ArrayList<Execution>();
    for (var execution : running) {
      executions.add(resultOf(execution));
    }
    return executions;
  }

  private static Execution resultOf(Future<Execution> execution) throws InterruptedException {
    try {
      return execution.get();
    } catch (ExecutionException e) {
      throw new AssertionError("a command failed", e.getCause());
    }
  }

  private static List<String> expected(int command) {
    return IntStream.range(0, LINES).mapToObj(line -> command + "-" + line).toList();
  }

  // Connections of the client's pool vanish when they were idle for half a minute.
  private static void awaitNothingLeft(Execd execd, Census before) {
    var deadline = Deadline.in(PATIENCE);
    for (var now = census(execd); now.exceeds(before); now = census(execd)) {
      deadline.pauseOrFail("there were " + before + " and are " + now);
    }
  }

  // Processes of ended commands vanish a moment later.
  private static void settle(Execd execd) {
    Deadline.in(PATIENCE)
        .await(
            () -> execd.linesOf("ls -d /proc/[0-9]*").size() <= 12,
            "processes of ended commands are still there");
  }

  private static Census census(Execd execd) {
    return new Census(
        count(
            execd,
            "for s in /proc/[0-9]*/stat; do read -r _ n _ < $s 2>/dev/null && echo $n; done | sort"),
        count(execd, "ls -d /proc/[0-9]*/fd/* 2>/dev/null"),
        count(execd, "ls -d /proc/[0-9]*/task/*"),
        count(execd, "find /tmp /var/tmp /dev/shm /run -type f 2>/dev/null"));
  }

  private static int count(Execd execd, String listing) {
    return Integer.parseInt(execd.linesOf("(" + listing + ") | wc -l").getFirst().strip());
  }

  private record Census(int processes, int descriptors, int threads, int temporaryFiles) {
    boolean exceeds(Census before) {
      return processes > before.processes
          || descriptors > before.descriptors + 4
          || threads > before.threads + 4
          || temporaryFiles > before.temporaryFiles;
    }
  }
}
