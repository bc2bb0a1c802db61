package io.opensandbox.runtime.docker.volume;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Keeps servers that mount buckets in the same place from unmounting what another one is about to
/// give to a container, and from mounting one bucket twice. Each bucket has some bytes of one file,
/// which are locked: the first one while somebody mounts or unmounts the bucket, any other one as
/// long as somebody needs it. The kernel takes the locks of a server back when it ends, however it
/// ends.
///
/// Not for threads: the caller lets one in at a time. The kernel drops all locks of a process on a
/// file when the process closes it once, so that there is one channel at most.
final class BucketLocks {
  private static final String FILE = ".opensandbox-buckets.lock";
  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final Duration PAUSE = Duration.ofMillis(20);

  /// Bytes of one bucket; there are 2^40 of them. Two buckets that share theirs by chance wait for
  /// each other, no more.
  private static final long SPAN = 1L << 20;

  private final Path root;
  // What others would take away; by the folder of the bucket.
  private final Map<Path, FileLock> needed = new HashMap<>();
  private final Map<Path, FileLock> entered = new HashMap<>();
  private @Nullable FileChannel channel;

  /// @param root where the buckets are mounted, and the file is
  BucketLocks(Path root) {
    this.root = root;
  }

  /// Begins to mount a bucket, after others that mount or unmount it.
  void enter(Path folder) throws IOException {
    long end = System.nanoTime() + LIMIT.toNanos();
    // The kernel's own waiting knows no deadline.
    while (!tryEnter(folder)) {
      if (System.nanoTime() > end) {
        throw new IOException(
            "another server has been mounting it for " + LIMIT.toSeconds() + " s");
      }
      pause();
    }
  }

  private static void pause() throws IOException {
    LockSupport.parkNanos(PAUSE.toNanos());
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted while another server mounts it");
    }
  }

  private boolean tryEnter(Path folder) throws IOException {
    @Nullable FileLock lock = tryLock(start(folder), 1);
    if (lock == null) {
      return false;
    }
    entered.put(folder, lock);
    return true;
  }

  /// Begins to unmount a bucket; false when somebody needs it, or is at it.
  boolean enterAlone(Path folder) throws IOException {
    if (!tryEnter(folder)) {
      return false;
    }
    @Nullable FileLock all = tryLock(start(folder) + 1, SPAN - 1);
    if (all == null) {
      leave(folder);
      return false;
    }
    all.release(); // whoever needs it from now on has to enter first
    return true;
  }

  /// Ends what [#enter] or [#enterAlone] began.
  void leave(Path folder) throws IOException {
    release(entered.remove(folder));
  }

  /// Says that the bucket must stay until [#forget]. Call between [#enter] and [#leave].
  void need(Path folder) throws IOException {
    while (!needed.containsKey(folder)) {
      long place = ThreadLocalRandom.current().nextLong(1, SPAN);
      @Nullable FileLock lock = tryLock(start(folder) + place, 1);
      if (lock != null) {
        needed.put(folder, lock);
      }
    }
  }

  /// Says that this server no longer needs the bucket.
  void forget(Path folder) throws IOException {
    release(needed.remove(folder));
  }

  private void release(@Nullable FileLock lock) throws IOException {
    if (lock != null) {
      lock.release();
    }
    FileChannel open = channel;
    if (open != null && needed.isEmpty() && entered.isEmpty()) {
      channel = null;
      open.close();
    }
  }

  private @Nullable FileLock tryLock(long position, long size) throws IOException {
    try {
      return open().tryLock(position, size, false);
    } catch (OverlappingFileLockException _) { // another server of this process has it
      return null;
    }
  }

  private FileChannel open() throws IOException {
    FileChannel open = channel;
    if (open == null) {
      Files.createDirectories(root);
      open =
          FileChannel.open(root.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel = open;
    }
    return open;
  }

  private long start(Path folder) {
    String digest = root.relativize(folder).getName(0).toString();
    return Long.parseUnsignedLong(digest.substring(0, 10), 16) * SPAN;
  }
}
