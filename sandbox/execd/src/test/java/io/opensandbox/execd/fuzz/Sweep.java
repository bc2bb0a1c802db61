package io.opensandbox.execd.fuzz;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/// A short pass over all targets of [ExecdFuzz] in one process, since a process fuzzes one method
/// only. Run by `sandbox/execd/fuzz`; the corpus alone is replayed by [ExecdFuzz].
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Sweep {
  private final ExecdFuzz fuzz = new ExecdFuzz();

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    fuzz.start(directory);
  }

  @AfterAll
  void stop() {
    fuzz.stop();
  }

  /// @param input the place of a target among their names, and what it gets
  @MethodSource("io.opensandbox.execd.fuzz.Corpus#all")
  @Fuzzed
  void any(byte[] input) throws IOException {
    List<Method> targets = Corpus.targets();
    if (input.length == 0 || Byte.toUnsignedInt(input[0]) >= targets.size()) {
      return;
    }
    Method target = targets.get(input[0]);
    try {
      target.invoke(fuzz, (Object) Arrays.copyOfRange(input, 1, input.length));
    } catch (InvocationTargetException e) {
      throw new AssertionError(target.getName() + ": " + e.getCause(), e.getCause());
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }
}
