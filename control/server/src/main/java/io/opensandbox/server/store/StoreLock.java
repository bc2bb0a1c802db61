package io.opensandbox.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Keeps a second server from an SQLite file: a lock on a file beside it, which the kernel takes
/// back when the server ends, however it ends. The database file itself must not be opened for
/// that: closing it would take SQLite's own locks away.
final class StoreLock implements AutoCloseable {
  private final FileChannel channel;

  private StoreLock(FileChannel channel) {
    this.channel = channel;
  }

  /// Takes the lock of the database `file`. Throws [StoreException] when another server has it.
  static StoreLock take(Path file) {
    Path path = file.resolveSibling(file.getFileName() + ".lock");
    try {
      if (file.getParent() != null) {
        Files.createDirectories(file.getParent());
      }
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (tryLock(channel) == null) {
        channel.close();
        throw new StoreException(
            "another server uses the store \""
                + file
                + "\": stop it, give this one another store.path, or let them share a PostgreSQL"
                + " database (store.type)",
            null);
      }
      return new StoreLock(channel);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock the store \"" + path + "\"", e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException _) { // another server of this process has it
      return null;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot let go of the store", e);
    }
  }
}
