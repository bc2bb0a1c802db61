package io.opensandbox.runtime.local.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class DeathsTest {
  private final List<Process> started = new ArrayList<>();

  @Test
  void tellsOfEachProcessOnce_andGivesItsDescriptorBack() throws Exception {
    int count = 100; // more than fit into one look
    CountDownLatch ended = new CountDownLatch(count);
    try (Deaths deaths = new Deaths()) {
      for (int i = 0; i < count; i++) {
        assertThat(deaths.watch(sleeper().pid(), ended::countDown)).isTrue();
      }
      assertThat(processDescriptors()).isEqualTo(count);

      started.forEach(Process::destroyForcibly);

      assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(processDescriptors()).isZero();
    }
  }

  /// A child has copies of all descriptors until it runs its program.
  @Test
  void whileOtherProcessesStart_closesNobodyElsesFiles() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (Deaths deaths = new Deaths();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> reader =
          threads.submit(() -> {
            while (!done.get()) {
              Files.readString(Path.of("/proc/self/stat"));
            }
            return null;
          });
      try {
        for (int i = 0; i < 200; i++) {
          deaths.watch(new ProcessBuilder("true").start().pid(), () -> {});
          new ProcessBuilder("true").start().waitFor();
        }
      } finally {
        done.set(true);
      }

      reader.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void doesNotWatchWhatIsGone() throws Exception {
    Process gone = sleeper();
    gone.destroyForcibly().waitFor();

    try (Deaths deaths = new Deaths()) {
      assertThat(deaths.watch(gone.pid(), () -> {})).isFalse();
    }
  }

  @Test
  void closed_isSilent_andHoldsNothing() throws Exception {
    AtomicBoolean told = new AtomicBoolean();
    Deaths deaths = new Deaths();
    Process one = sleeper();
    deaths.watch(one.pid(), () -> told.set(true));

    deaths.close();

    one.destroyForcibly().waitFor();
    assertThat(deaths.watch(ProcessHandle.current().pid(), () -> {})).isFalse();
    assertThat(processDescriptors()).isZero();
    assertThat(told).isFalse();
  }

  private Process sleeper() throws IOException {
    Process process = new ProcessBuilder("sleep", "600").start();
    started.add(process);
    return process;
  }

  @AfterEach
  void endAll() {
    started.forEach(Process::destroyForcibly);
  }

  private static long processDescriptors() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.filter(DeathsTest::isProcess).count();
    }
  }

  private static boolean isProcess(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().contains("pidfd");
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }
}
