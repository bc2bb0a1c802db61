package io.opensandbox.execd.code;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.kernel.FakeKernels;
import io.opensandbox.execd.kernel.Kernel;
import io.opensandbox.execd.kernel.KernelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WarmKernelsTest {
  private static final Map<String, String> OLD = Map.of("PATH", "/old");
  private static final Map<String, String> NEW = Map.of("PATH", "/new");

  private final FakeKernels kernels = new FakeKernels();
  private final Map<Kernel, Map<String, String>> environments = new ConcurrentHashMap<>();
  private final BlockingQueue<Kernel> started = new LinkedBlockingQueue<>();
  private volatile Map<String, String> environment = OLD;

  @Test
  void areThereBeforeTheyAreAskedFor() throws Exception {
    try (var warm = warm(this::open)) {
      Kernel first = started.poll(60, TimeUnit.SECONDS);

      assertThat(warm.open("python", null)).isSameAs(first);
      assertThat(started.poll(60, TimeUnit.SECONDS)).as("the next reserve").isNotSameAs(first);
    }
  }

  @Test
  void otherLanguagesAndDirectoriesAreStartedOnDemand() throws Exception {
    try (var warm = warm(this::open)) {
      warm.open("bash", null).close();
      warm.open("python", Path.of("/tmp")).close();

      assertThat(kernels.opened()).contains("bash null", "python /tmp");
    }
  }

  @Test
  void aKernelFromBeforeAChangeOfTheEnvironmentIsEnded_notGivenAway() throws Exception {
    try (var warm = warm(this::open)) {
      Kernel old = started.poll(60, TimeUnit.SECONDS);
      environment = NEW;

      Kernel given = warm.open("python", null);

      assertThat(given).isNotSameAs(old);
      assertThat(environments).containsEntry(given, NEW);
    }
  }

  @Test
  void anEnvironmentThatChangesDuringTheStartStartsTheReserveAgain() throws Exception {
    try (var _ = warm(this::openAndChange)) {
      Kernel first = started.poll(60, TimeUnit.SECONDS);
      Kernel second = started.poll(60, TimeUnit.SECONDS);

      assertThat(environments).containsEntry(first, OLD).containsEntry(second, NEW);
    }
  }

  private WarmKernels warm(KernelSource source) {
    var warm = new WarmKernels(source, "python", () -> environment);
    warm.warm();
    return warm;
  }

  private Kernel openAndChange(String language, @Nullable Path directory) throws IOException {
    Kernel kernel = open(language, directory);
    environment = NEW;
    return kernel;
  }

  private Kernel open(String language, @Nullable Path directory) throws IOException {
    Map<String, String> has = environment;
    Kernel kernel = kernels.open(language, directory);
    environments.put(kernel, has);
    started.add(kernel);
    return kernel;
  }
}
