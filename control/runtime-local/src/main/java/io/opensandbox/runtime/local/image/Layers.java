package io.opensandbox.runtime.local.image;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The directory of layers.
public final class Layers {
  /// Begins the name of a layer that belongs to copies of a sandbox and goes with the last of them.
  public static final String FORK = "fork-";

  private static final String UNFINISHED = "tmp-";
  private static final String DISCARDED = "gone-";
  private static final Duration REMOVE_LIMIT = Duration.ofMinutes(10);

  private final Path directory;
  private final Runner runner;
  private final Map<String, Long> sizes = new ConcurrentHashMap<>();

  /// Layers below `directory`, which is made when it is missing.
  public Layers(Path directory, Runner runner) {
    this.directory = directory;
    this.runner = runner;
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /// Where the layer is or will be.
  public Path path(String name) {
    return directory.resolve(name);
  }

  /// Whether the layer is complete.
  public boolean has(String name) {
    return Files.isDirectory(path(name));
  }

  /// Makes the layer unless it is there. `fill` gets an empty directory with mode 0755; when it
  /// fails nothing is left.
  public void make(String name, Consumer<Path> fill) {
    if (has(name)) {
      return;
    }
    Path draft = directory.resolve(UNFINISHED + UUID.randomUUID());
    try {
      Files.createDirectory(draft);
      Files.setPosixFilePermissions(
          draft, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
      fill.accept(draft);
      Files.move(draft, path(name), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // Unless somebody else made the same layer meanwhile; theirs is as good.
      if (!has(name)) {
        throw new UncheckedIOException("cannot make layer " + name, e);
      }
    } finally {
      if (Files.exists(draft)) {
        removeTree(draft);
      }
    }
  }

  /// Names of all complete layers.
  public List<String> names() {
    return entries().stream()
        .filter(name -> !name.startsWith(UNFINISHED) && !name.startsWith(DISCARDED))
        .toList();
  }

  /// Removes a layer that nothing refers to. It is gone at once; [#sweep] deletes its files.
  public void discard(String name) {
    Path doomed = directory.resolve(DISCARDED + UUID.randomUUID());
    try {
      Files.move(path(name), doomed, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove layer " + name, e);
    }
    sizes.remove(name);
  }

  /// Deletes the files of discarded layers.
  public void sweep() {
    entries().stream()
        .filter(name -> name.startsWith(DISCARDED))
        .forEach(name -> removeTree(directory.resolve(name)));
  }

  /// Removes a layer that nothing refers to, with its files.
  public void remove(String name) {
    discard(name);
    sweep();
  }

  /// Removes what unfinished work left behind. Call only when no layer is being made.
  ///
  /// @return how many directories were removed
  public int removeUnfinished() {
    sweep();
    List<String> left = entries().stream().filter(name -> name.startsWith(UNFINISHED)).toList();
    left.forEach(name -> removeTree(directory.resolve(name)));
    return left.size();
  }

  /// Removes a directory with everything in it, whatever its permissions.
  public void removeTree(Path path) {
    runner.check(
        Runner.Command.of("rm", "-rf", "--one-file-system", "--", path.toString())
            .within(REMOVE_LIMIT));
  }

  /// Bytes that a directory takes on disk.
  public long size(Path path) {
    String output = runner.text("du", "-sxk", "--", path.toString());
    return Long.parseLong(output.split("\\s", 2)[0]) * 1024;
  }

  /// Bytes that a layer takes on disk, looked up once: layers never change. 0 when it is gone.
  public long size(String name) {
    Long known = sizes.get(name);
    if (known != null) {
      return known;
    }
    long found;
    try {
      found = size(path(name));
    } catch (Runner.RunFailure e) {
      if (has(name)) {
        throw e;
      }
      return 0;
    }
    sizes.put(name, found);
    return found;
  }

  /// The same without looking: 0 for a layer that [#size(String)] was never asked of.
  public long knownSize(String name) {
    return sizes.getOrDefault(name, 0L);
  }

  private List<String> entries() {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(path -> path.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }
}
