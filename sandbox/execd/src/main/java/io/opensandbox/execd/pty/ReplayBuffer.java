package io.opensandbox.execd.pty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The newest output of a session, at byte offsets that count from the session's beginning. It is a
/// ring in a file, because many sessions together would not fit the heap. For one thread at a time.
final class ReplayBuffer implements AutoCloseable {
  private static final Set<StandardOpenOption> OPTIONS =
      Set.of(
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          StandardOpenOption.DELETE_ON_CLOSE);

  private final Path file;
  private final int capacity;
  private @Nullable FileChannel channel;
  private long total;
  private long oldest;

  ReplayBuffer(Path file, int capacity) {
    this.file = file;
    this.capacity = capacity;
  }

  /// How many bytes were ever appended.
  long total() {
    return total;
  }

  /// The offset of the oldest byte that is kept.
  long oldest() {
    return oldest;
  }

  /// Appends; what does not fit pushes out the oldest. When the disk fails, what was kept is lost,
  /// the offsets go on.
  void append(byte[] bytes, int offset, int length) {
    int skipped = Math.max(0, length - capacity);
    try {
      FileChannel ring = open();
      long at = total + skipped;
      var source = ByteBuffer.wrap(bytes, offset + skipped, length - skipped);
      while (source.hasRemaining()) {
        int position = (int) (at % capacity);
        int part = Math.min(source.remaining(), capacity - position);
        var slice = source.slice(source.position(), part);
        while (slice.hasRemaining()) {
          ring.write(slice, position + slice.position());
        }
        source.position(source.position() + part);
        at += part;
      }
      total += length;
      oldest = Math.max(oldest, total - capacity);
    } catch (IOException _) { // live output matters more than replay
      total += length;
      oldest = total;
    }
  }

  /// What is kept from `offset` on; begins at the oldest byte when that one is gone.
  byte[] read(long offset) throws IOException {
    long from = Math.max(oldest, offset);
    if (from >= total) {
      return new byte[0];
    }
    var bytes = new byte[(int) (total - from)];
    FileChannel ring = open();
    for (int done = 0; done < bytes.length; ) {
      int position = (int) ((from + done) % capacity);
      int part = Math.min(bytes.length - done, capacity - position);
      int count = ring.read(ByteBuffer.wrap(bytes, done, part), position);
      if (count <= 0) {
        throw new IOException("replay file " + file + " is shorter than it was");
      }
      done += count;
    }
    return bytes;
  }

  private FileChannel open() throws IOException {
    if (channel == null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
      channel =
          FileChannel.open(
              file,
              OPTIONS,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    return channel;
  }

  /// Deletes what is kept.
  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
      oldest = total;
    }
  }
}
