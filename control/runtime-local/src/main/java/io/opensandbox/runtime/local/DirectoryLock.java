package io.opensandbox.runtime.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/// Keeps two servers from using one data directory. The kernel lets go when a server dies.
final class DirectoryLock implements AutoCloseable {
  private final Path directory;
  private final FileChannel lock;

  /// Makes the directory, for its owner alone, and locks it.
  ///
  /// @throws IllegalStateException that says why this is not possible
  DirectoryLock(Path directory) {
    this.directory = directory;
    try {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
      lock =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (lock.tryLock() == null) {
        throw new IllegalStateException("another server uses " + directory);
      }
    } catch (IOException | OverlappingFileLockException e) {
      throw new IllegalStateException("cannot use " + directory + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot release " + directory, e);
    }
  }
}
