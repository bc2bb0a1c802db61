package io.opensandbox.runtime.docker.staging;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/// Tar streams of the engine's archive calls.
final class ExecdTar {
  private static final int REGULAR = 0100000;
  private static final int EXECUTABLE = 0755;
  private static final int MAX_ENTRIES = 10_000;

  private ExecdTar() {}

  /// Writes both files, executable by everybody, owned by root, to a new file.
  ///
  /// @param execd the engine's archive of `/execd`
  /// @param bootstrap the engine's archive of `/bootstrap.sh`
  static void write(Path target, InputStream execd, InputStream bootstrap) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target));
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      TarArchiveEntry directory = new TarArchiveEntry("opt/opensandbox/");
      directory.setMode(TarArchiveEntry.DEFAULT_DIR_MODE);
      tar.putArchiveEntry(directory);
      tar.closeArchiveEntry();
      copy(execd, "execd", tar);
      copy(bootstrap, "bootstrap.sh", tar);
    }
  }

  private static void copy(InputStream archive, String name, TarArchiveOutputStream tar)
      throws IOException {
    try (TarArchiveInputStream in = new TarArchiveInputStream(archive)) {
      TarArchiveEntry file = in.getNextEntry();
      if (file == null || !file.isFile()) {
        throw new IOException("/" + name + " is not a regular file");
      }
      TarArchiveEntry entry = new TarArchiveEntry("opt/opensandbox/" + name);
      entry.setSize(file.getSize());
      entry.setMode(REGULAR | EXECUTABLE);
      tar.putArchiveEntry(entry);
      in.transferTo(tar);
      tar.closeArchiveEntry();
    }
  }

  /// A tar of one small text file.
  static InputStream ofText(String name, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
      TarArchiveEntry entry = new TarArchiveEntry(name);
      entry.setSize(bytes.length);
      tar.putArchiveEntry(entry);
      tar.write(bytes);
      tar.closeArchiveEntry();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new ByteArrayInputStream(out.toByteArray());
  }

  /// Text of the first file of an archive.
  static String text(InputStream archive) throws IOException {
    try (TarArchiveInputStream in = new TarArchiveInputStream(archive)) {
      if (in.getNextEntry() == null) {
        throw new IOException("the archive is empty");
      }
      return new String(in.readNBytes(4096), StandardCharsets.UTF_8).strip();
    }
  }

  /// Name of the first directory directly below the archive's root that starts with `prefix`.
  static Optional<String> directory(InputStream archive, String prefix) throws IOException {
    try (TarArchiveInputStream in = new TarArchiveInputStream(archive)) {
      for (int i = 0; i < MAX_ENTRIES; i++) {
        TarArchiveEntry entry = in.getNextEntry();
        if (entry == null) {
          return Optional.empty();
        }
        String[] parts = entry.getName().split("/", -1);
        if (parts.length > 1 && parts[1].startsWith(prefix)) {
          return Optional.of(parts[1]);
        }
      }
      return Optional.empty();
    }
  }
}
