package io.opensandbox.execd.command;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// What one command wrote: the newest bytes up to a limit, at offsets that never change. One thread
/// appends, any number read. Bytes are dropped a segment at a time, oldest first; a reader that has
/// registered is waited for, so that a slow one slows the command down instead of losing output.
///
/// When the disk is full the journal stops growing and says so; the command goes on.
final class Journal {
  /// How long the command waits for a reader that does not move.
  private static final Duration READER_PATIENCE = Duration.ofSeconds(30);

  private final Path folder;
  private final String id;
  private final JournalLimits limits;
  private final AtomicLong diskBytes;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final ArrayDeque<Segment> segments = new ArrayDeque<>();
  private final Set<Reader> readers = new HashSet<>();
  private long end;
  private long events;
  private int segmentNumber;
  private boolean midEvent;
  private boolean finished;
  private boolean failed;

  /// @param folder where the files go
  /// @param id the beginning of their names
  /// @param diskBytes the size of all journals' files together, kept up to date here
  Journal(Path folder, String id, JournalLimits limits, AtomicLong diskBytes) {
    this.folder = folder;
    this.id = id;
    this.limits = limits;
    this.diskBytes = diskBytes;
  }

  /// Appends bytes in which `eventCount` events end; waits for registered readers when old bytes
  /// must go.
  void append(byte[] bytes, int length, int eventCount, boolean open) throws IOException {
    lock.lock();
    try {
      if (failed) {
        return;
      }
      Segment segment = segmentFor(length);
      if (failed) {
        return; // deleted while room was made
      }
      long before = segment.diskBytes();
      segment.append(bytes, length, limits.memoryBytes());
      diskBytes.addAndGet(segment.diskBytes() - before);
      end += length;
      events += eventCount;
      midEvent = open;
      changed.signalAll();
    } catch (IOException e) {
      failed = true;
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /// Nothing more will be appended.
  void finish() throws IOException {
    lock.lock();
    try {
      finished = true;
      changed.signalAll();
      if (!segments.isEmpty()) {
        segments.getLast().close();
      }
    } finally {
      lock.unlock();
    }
  }

  /// Offset of the oldest byte that is left.
  long start() {
    lock.lock();
    try {
      return segments.isEmpty() ? end : segments.getFirst().start;
    } finally {
      lock.unlock();
    }
  }

  /// Offset after the newest byte.
  long end() {
    lock.lock();
    try {
      return end;
    } finally {
      lock.unlock();
    }
  }

  /// Whether output after [#end] was lost because it could not be written.
  boolean hasFailed() {
    lock.lock();
    try {
      return failed;
    } finally {
      lock.unlock();
    }
  }

  /// A reader at `offset`, or at the oldest byte when that one is gone.
  Reader readerAt(long offset) {
    lock.lock();
    try {
      long oldest = segments.isEmpty() ? end : segments.getFirst().start;
      var reader = new Reader(Math.min(end, Math.max(oldest, offset)), 0);
      readers.add(reader);
      return reader;
    } finally {
      lock.unlock();
    }
  }

  /// A reader after the first `count` events, or at the oldest event that is left. Only for a
  /// journal of events.
  Reader readerAfterEvents(long count) throws IOException {
    Segment first = null;
    Reader reader;
    lock.lock();
    try {
      for (Segment segment : segments) {
        if (first == null || segment.eventsBefore <= count) {
          first = segment;
        }
      }
      reader =
          first == null ? new Reader(end, events) : new Reader(first.start, first.eventsBefore);
      readers.add(reader);
    } finally {
      lock.unlock();
    }
    try {
      reader.skipEvents(count);
      return reader;
    } catch (IOException e) {
      reader.close();
      throw e;
    }
  }

  /// Deletes everything.
  void delete() throws IOException {
    lock.lock();
    try {
      finished = true;
      failed = true;
      changed.signalAll();
      while (!segments.isEmpty()) {
        drop(segments.removeFirst());
      }
    } finally {
      lock.unlock();
    }
  }

  /// Writes what is in memory to disk and tells where everything is, for another JVM to find.
  List<Segment> persist() throws IOException {
    lock.lock();
    try {
      for (Segment segment : segments) {
        long before = segment.diskBytes();
        segment.moveToDisk();
        diskBytes.addAndGet(segment.diskBytes() - before);
        segment.close();
      }
      return new ArrayList<>(segments);
    } finally {
      lock.unlock();
    }
  }

  /// Takes over what another JVM has persisted; the journal is finished.
  void restore(List<Segment> persisted, long totalEvents) {
    lock.lock();
    try {
      segments.addAll(persisted);
      end = persisted.isEmpty() ? 0 : persisted.getLast().end();
      events = totalEvents;
      finished = true;
      for (Segment segment : persisted) {
        diskBytes.addAndGet(segment.diskBytes());
      }
    } finally {
      lock.unlock();
    }
  }

  /// How many events were appended.
  long events() {
    lock.lock();
    try {
      return events;
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held. The segment that takes the next bytes; events are not split over two
  /// segments, so that each begins with an event.
  private Segment segmentFor(int length) throws IOException {
    Segment last = segments.peekLast();
    boolean full = last != null && last.length() + length > limits.segmentBytes();
    if (last == null || (full && !midEvent)) {
      if (last != null) {
        last.close();
      }
      makeRoom();
      Path file = folder.resolve(id + "." + segmentNumber++);
      last = new Segment(file, end, events);
      segments.addLast(last);
    }
    return last;
  }

  /// Call with the lock held. Drops old segments until one more fits.
  private void makeRoom() throws IOException {
    while (isFull()) {
      awaitReaders(segments.getFirst());
      if (!segments.isEmpty()) { // the journal may have been deleted meanwhile
        drop(segments.removeFirst());
      }
    }
  }

  /// Call with the lock held. Waits while readers are in the segment, but not for ever.
  private void awaitReaders(Segment segment) {
    try {
      long left = READER_PATIENCE.toNanos();
      while (isBeingRead(segment) && !failed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isFull() {
    if (segments.isEmpty()) {
      return false;
    }
    long kept = end - segments.getFirst().start + limits.segmentBytes();
    boolean crowded = diskBytes.get() > limits.totalBytes() && segments.size() > 2;
    return kept > limits.commandBytes() || crowded;
  }

  private boolean isBeingRead(Segment segment) {
    for (Reader reader : readers) {
      if (reader.position < segment.end()) {
        return true;
      }
    }
    return false;
  }

  private void drop(Segment segment) throws IOException {
    diskBytes.addAndGet(-segment.diskBytes());
    segment.delete();
  }

  /// A position in the journal. For one thread.
  final class Reader implements AutoCloseable {
    private static final int BLOCK_BYTES = 64 << 10;

    // Guarded by the lock; read by the owner only.
    private long position;
    private long eventsBefore;

    private Reader(long position, long eventsBefore) {
      this.position = position;
      this.eventsBefore = eventsBefore;
    }

    long position() {
      return position;
    }

    /// How many events end before the position, as far as [#readerAfterEvents] has moved it.
    long eventsBefore() {
      return eventsBefore;
    }

    /// Copies what is there; 0 when nothing is. A reader that was overtaken by the dropping of old
    /// bytes goes on at the oldest that is left.
    int read(byte[] into) throws IOException {
      lock.lock();
      try {
        for (Segment segment : segments) {
          if (segment.end() > position) {
            position = Math.max(position, segment.start);
            int count = segment.read(position, into);
            position += count;
            changed.signalAll();
            return count;
          }
        }
        return 0;
      } finally {
        lock.unlock();
      }
    }

    /// Whether there is something to read now.
    boolean hasMore() {
      lock.lock();
      try {
        return position < end;
      } finally {
        lock.unlock();
      }
    }

    /// Waits up to `limit` for more to read.
    ///
    /// @return false when there is none and there will be none
    boolean awaitMore(Duration limit) throws InterruptedException {
      lock.lock();
      try {
        long left = limit.toNanos();
        while (position >= end && !finished && left > 0) {
          left = changed.awaitNanos(left);
        }
        return position < end || !finished;
      } finally {
        lock.unlock();
      }
    }

    /// Moves forward until `count` events lie before the position. An event ends with two line
    /// feeds and has none inside.
    private void skipEvents(long count) throws IOException {
      var block = new byte[BLOCK_BYTES];
      boolean lineFeed = false;
      while (eventsBefore < count) {
        int length = read(block);
        if (length == 0) {
          return;
        }
        long blockStart = position - length;
        for (int i = 0; i < length; i++) {
          boolean second = lineFeed && block[i] == '\n';
          lineFeed = !second && block[i] == '\n';
          if (second && ++eventsBefore == count) {
            moveTo(blockStart + i + 1);
            return;
          }
        }
      }
    }

    private void moveTo(long offset) {
      lock.lock();
      try {
        position = offset;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        readers.remove(this);
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
