package io.opensandbox.runtime.local.record;

import io.avaje.jsonb.JsonType;
import io.avaje.jsonb.Jsonb;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/// Reads and replaces JSON files whole: a reader sees the old or the new text, never a part.
public final class RecordStore {
  private final Jsonb jsonb = Jsonb.builder().failOnUnknown(false).build();

  /// Writes `value` to `file`, readable by the owner only.
  public <T> void write(Path file, Class<T> type, T value) {
    Path draft = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.deleteIfExists(draft);
      Files.createFile(
          draft,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(draft, jsonb.type(type).toJson(value));
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /// The value in `file`, or empty when there is no such file.
  public <T> Optional<T> read(Path file, Class<T> type) {
    try {
      JsonType<T> json = jsonb.type(type);
      return Optional.of(json.fromJson(Files.readString(file)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
