package io.opensandbox.execd.command;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A run of consecutive journal bytes, in memory while small, else in a file of its own. Guarded by
/// its journal's lock, reading from the file excepted.
final class Segment {
  private static final Set<StandardOpenOption> CREATE =
      Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

  /// Offset of the first byte in the journal.
  final long start;

  /// How many events end before this segment.
  final long eventsBefore;

  private final Path file;
  private byte[] memory = new byte[0];
  private long length;
  private @Nullable FileChannel writer;
  private boolean onDisk;

  Segment(Path file, long start, long eventsBefore) {
    this.file = file;
    this.start = start;
    this.eventsBefore = eventsBefore;
  }

  /// A segment that an earlier JVM has written.
  static Segment restored(Path file, long start, long eventsBefore, long length) {
    var segment = new Segment(file, start, eventsBefore);
    segment.length = length;
    segment.onDisk = true;
    return segment;
  }

  long length() {
    return length;
  }

  long end() {
    return start + length;
  }

  long diskBytes() {
    return onDisk ? length : 0;
  }

  /// The number at the end of the file's name.
  int number() {
    String name = file.getFileName().toString();
    return Integer.parseInt(name.substring(name.lastIndexOf('.') + 1));
  }

  void append(byte[] bytes, int count, int memoryBytes) throws IOException {
    if (!onDisk && length + count <= memoryBytes) {
      memory = Arrays.copyOf(memory, (int) length + count);
      System.arraycopy(bytes, 0, memory, (int) length, count);
      length += count;
      return;
    }
    moveToDisk();
    write(ByteBuffer.wrap(bytes, 0, count));
    length += count;
  }

  /// Puts what is in memory into the file, so that it outlives this process.
  void moveToDisk() throws IOException {
    if (onDisk) {
      return;
    }
    var permissions =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    Files.createDirectories(file.getParent());
    writer = FileChannel.open(file, CREATE, permissions);
    onDisk = true;
    write(ByteBuffer.wrap(memory));
    memory = new byte[0];
  }

  private void write(ByteBuffer bytes) throws IOException {
    FileChannel channel = writer;
    if (channel == null) {
      throw new IOException("the segment is closed");
    }
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /// Copies from `offset` of the journal; gives the number of bytes.
  int read(long offset, byte[] into) throws IOException {
    int count = (int) Math.min(into.length, end() - offset);
    int position = (int) (offset - start);
    if (!onDisk) {
      System.arraycopy(memory, position, into, 0, count);
      return count;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var target = ByteBuffer.wrap(into, 0, count);
      while (target.hasRemaining()) {
        if (channel.read(target, offset - start + target.position()) < 0) {
          throw new IOException("journal file " + file + " is shorter than it was");
        }
      }
    }
    return count;
  }

  /// No more is appended.
  void close() throws IOException {
    if (writer != null) {
      writer.close();
      writer = null;
    }
  }

  void delete() throws IOException {
    close();
    if (onDisk) {
      Files.deleteIfExists(file);
    }
  }
}
