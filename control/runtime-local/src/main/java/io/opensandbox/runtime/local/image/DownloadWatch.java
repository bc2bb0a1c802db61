package io.opensandbox.runtime.local.image;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Bounds what a registry may send to the program that downloads: how much, and with what pauses.
final class DownloadWatch {
  private final Path directory;
  private final long maxBytes;
  private final Duration patience;
  private final long bytesBefore;
  private Map<Path, Long> seen;
  private long lastProgress;

  /// Begins to watch.
  ///
  /// @param directory where this download, and no other, puts what comes
  /// @param maxBytes by which it may grow
  /// @param patience how long nothing may come
  /// @param now `System.nanoTime()`
  DownloadWatch(Path directory, long maxBytes, Duration patience, long now) throws IOException {
    this.directory = directory;
    this.maxBytes = maxBytes;
    this.patience = patience;
    this.seen = sizes(directory);
    this.bytesBefore = sum(seen);
    this.lastProgress = now;
  }

  /// Looks how far it is.
  ///
  /// @throws IOException that says why it must end
  void check(long now) throws IOException {
    Map<Path, Long> sizes = sizes(directory);
    checkBytes(sizes);
    if (!sizes.equals(seen)) {
      seen = sizes;
      lastProgress = now;
    } else if (now - lastProgress > patience.toNanos()) {
      throw new IOException("the registry sent nothing for " + patience.toSeconds() + " seconds");
    }
  }

  /// The same without regard to time.
  void checkBytes() throws IOException {
    checkBytes(sizes(directory));
  }

  private void checkBytes(Map<Path, Long> sizes) throws IOException {
    if (sum(sizes) - bytesBefore > maxBytes) {
      throw new IOException(
          "it is more to download than the "
              + maxBytes
              + " bytes that images may take (local.image_max_bytes)");
    }
  }

  private static long sum(Map<Path, Long> sizes) {
    return sizes.values().stream().mapToLong(Long::longValue).sum();
  }

  private static Map<Path, Long> sizes(Path top) throws IOException {
    Map<Path, Long> sizes = new HashMap<>();
    Files.walkFileTree(
        top,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            sizes.put(file, attributes.size());
            return FileVisitResult.CONTINUE;
          }

          // It was moved or removed meanwhile.
          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) {
            return FileVisitResult.CONTINUE;
          }
        });
    return sizes;
  }
}
