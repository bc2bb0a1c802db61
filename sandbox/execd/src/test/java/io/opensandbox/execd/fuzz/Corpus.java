package io.opensandbox.execd.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The inputs that are kept, one folder for each method of [ExecdFuzz], where Jazzer looks for
/// them.
final class Corpus {
  static final Path FOLDER =
      Path.of("src/test/resources/io/opensandbox/execd/fuzz/ExecdFuzzInputs");

  private static final List<Method> TARGETS =
      Arrays.stream(ExecdFuzz.class.getDeclaredMethods())
          .filter(method -> method.isAnnotationPresent(Fuzzed.class))
          .sorted(Comparator.comparing(Method::getName))
          .toList();

  private Corpus() {}

  /// The methods that take inputs, by name.
  static List<Method> targets() {
    return TARGETS;
  }

  /// Every input of every target, behind a byte that is the target's place.
  static Stream<byte[]> all() {
    return IntStream.range(0, TARGETS.size())
        .boxed()
        .flatMap(place -> of(TARGETS.get(place)).map(input -> behind(place, input)));
  }

  private static Stream<byte[]> of(Method target) {
    try (Stream<Path> files = Files.list(FOLDER.resolve(target.getName()))) {
      return files.sorted().map(Corpus::read).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] behind(int place, byte[] input) {
    byte[] joined = new byte[input.length + 1];
    joined[0] = (byte) place;
    System.arraycopy(input, 0, joined, 1, input.length);
    return joined;
  }
}
