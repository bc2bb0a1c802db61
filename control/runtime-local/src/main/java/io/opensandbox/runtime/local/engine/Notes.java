package io.opensandbox.runtime.local.engine;

import io.opensandbox.runtime.local.disk.Mounts;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The small files through which starts and ends of sandboxes are told, one directory per sandbox.
///
/// They are in memory (a tmpfs below the data directory), so that no start and no exit status waits
/// for a busy disk, and what a start hands over, the environment among it, never gets on a disk. A
/// server that ends leaves them; they are gone when the machine starts anew, as is all they tell
/// of.
public final class Notes implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Notes.class);
  private static final String SIZE = "size=256m,mode=0700";

  private final Path root;
  private final Runner runner;

  /// Notes below a data directory; mounts their file system unless it is mounted.
  public Notes(Path data, Runner runner) {
    this.root = data.resolve("notes");
    this.runner = runner;
    try {
      Files.createDirectories(root);
      if (!Mounts.has(root, "tmpfs")) {
        runner.text("mount", "-t", "tmpfs", "-o", SIZE, "opensandbox-notes", root.toString());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use " + root, e);
    }
  }

  /// Where the notes of a sandbox are.
  Path of(String id) {
    return root.resolve(id);
  }

  /// The same, made when it is not there.
  public Path make(String id) {
    try {
      return Files.createDirectories(of(id));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + of(id), e);
    }
  }

  /// Removes the notes of a sandbox that has no processes any more; absent is fine.
  public void remove(String id) {
    try (Stream<Path> files = Files.list(of(id))) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(of(id));
    } catch (NoSuchFileException e) {
      // It never ran, or the machine was started anew.
      return;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + of(id), e);
    }
  }

  /// The sandboxes of which there are notes.
  public List<String> ids() {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.map(path -> path.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + root, e);
    }
  }

  /// Unmounts. Call when there are no sandboxes.
  @Override
  public void close() {
    Runner.Output done = runner.run(Runner.Command.of("umount", root.toString()));
    if (done.exitCode() != 0) {
      LOG.warn("{} stays mounted: {}", root, done.stderr().strip());
    }
  }
}
