package io.opensandbox.runtime.local;

import io.opensandbox.runtime.local.record.RecordStore;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/// The data directory: one directory per sandbox with its record, its written files and its log.
final class Store {
  private final Path root;
  private final RecordStore records = new RecordStore();

  Store(Path root) {
    this.root = root;
    try {
      for (String name : List.of("sandboxes", "trash", "images", "layers", "volumes", "bin")) {
        Files.createDirectories(root.resolve(name));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use " + root, e);
    }
  }

  Path root() {
    return root;
  }

  Path path(String name) {
    return root.resolve(name);
  }

  RecordStore records() {
    return records;
  }

  Path directory(String id) {
    return root.resolve("sandboxes").resolve(id);
  }

  /// What a sandbox writes is below this.
  Path files(String id) {
    return directory(id).resolve("files");
  }

  void save(SandboxRecord record) {
    records.write(directory(record.id()).resolve("sandbox.json"), SandboxRecord.class, record);
  }

  /// Every sandbox on disk; directories without a record, which creates were killed over, are put
  /// into the trash.
  List<SandboxRecord> load() {
    return children(root.resolve("sandboxes")).stream()
        .flatMap(directory -> {
          var record = records.read(directory.resolve("sandbox.json"), SandboxRecord.class);
          if (record.isEmpty()) {
            discard(directory);
          }
          return record.stream();
        })
        .toList();
  }

  /// Moves something out of sight at once; [#trash] tells what to delete.
  void discard(Path directory) {
    try {
      Files.move(
          directory,
          root.resolve("trash").resolve(UUID.randomUUID().toString()),
          StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      // Somebody else did it.
      return;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }

  /// What waits to be deleted.
  List<Path> trash() {
    return children(root.resolve("trash"));
  }

  private static List<Path> children(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }
}
