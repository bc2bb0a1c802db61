package io.opensandbox.execd.log;

import io.opensandbox.execd.json.JsonWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// Writes messages as JSON lines with `level`, `ts` and `msg`. Never blocks its callers.
///
/// Of messages with the same text, the first 100 in a second are written, then each 100th.
public final class Log implements AutoCloseable {
  private static final long MAX_FILE_BYTES = 100L << 20;
  private static final int MAX_QUEUED = 4096;
  private static final int SAMPLE = 100;
  private static final int MAX_COUNTED = 4096;
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(1);

  private final Level threshold;
  private final List<LogSink> sinks;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final ArrayDeque<byte[]> queue = new ArrayDeque<>();
  private final Map<String, Integer> counts = new HashMap<>();
  private long countedSecond;
  private long dropped;
  private boolean writing;
  private boolean started;
  private boolean closed;

  private Log(Level threshold, List<LogSink> sinks, InstantSource clock) {
    this.threshold = threshold;
    this.sinks = List.copyOf(sinks);
    this.clock = clock;
  }

  /// A log to the named places.
  ///
  /// @param outputs `stdout`, `stderr` or file names
  /// @param stdout what `stdout` means
  /// @throws IOException when a file cannot be opened
  public static Log open(
      Level threshold,
      List<String> outputs,
      OutputStream stdout,
      OutputStream stderr,
      InstantSource clock)
      throws IOException {
    List<LogSink> sinks = new ArrayList<>();
    for (String output : outputs) {
      sinks.add(
          switch (output) {
            case "stdout" -> stdout::write;
            case "stderr" -> stderr::write;
            default -> new FileSink(Path.of(output), MAX_FILE_BYTES, clock);
          });
    }
    return new Log(threshold, sinks, clock);
  }

  /// Something went as it should.
  public void info(String message) {
    log(Level.INFO, message);
  }

  /// Something is worth a look.
  public void warn(String message) {
    log(Level.WARN, message);
  }

  /// A fault of ours, with where it came from.
  public void error(String message, Throwable cause) {
    var text = new StringBuilder(message).append(": ").append(cause);
    StackTraceElement[] trace = cause.getStackTrace();
    for (int i = 0; i < Math.min(12, trace.length); i++) {
      text.append(" at ").append(trace[i]);
    }
    log(Level.ERROR, text.toString());
  }

  /// Whether messages of this level are written.
  public boolean isOn(Level level) {
    return level.compareTo(threshold) >= 0;
  }

  /// Queues one line.
  public void log(Level level, String message) {
    if (!isOn(level)) {
      return;
    }
    long now = clock.millis();
    lock.lock();
    try {
      if (closed || !isSampled(message, now / 1000)) {
        return;
      }
      if (queue.size() >= MAX_QUEUED) {
        dropped++;
        return;
      }
      queue.add(line(level, message, now));
      if (!started) {
        started = true;
        Thread.ofPlatform().daemon().name("log").start(this::writeAll);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held.
  private boolean isSampled(String message, long second) {
    if (second != countedSecond || counts.size() > MAX_COUNTED) {
      countedSecond = second;
      counts.clear();
    }
    int count = counts.merge(message, 1, Integer::sum);
    return count <= SAMPLE || count % SAMPLE == 0;
  }

  private static byte[] line(Level level, String message, long millis) {
    return new JsonWriter(128 + message.length())
        .beginObject()
        .field("level", level.wire())
        .field("ts", Timestamp.format(millis))
        .field("msg", message)
        .endObject()
        .raw("\n")
        .toBytes();
  }

  private void writeAll() {
    while (true) {
      byte[] line = next();
      if (line.length == 0) {
        return;
      }
      for (LogSink sink : sinks) {
        try {
          sink.write(line);
        } catch (IOException _) { // there is no better place to report a log that cannot be written
        }
      }
    }
  }

  /// The next line; empty when the log is closed.
  private byte[] next() {
    lock.lock();
    try {
      writing = false;
      changed.signalAll();
      while (queue.isEmpty() && dropped == 0 && !closed) {
        changed.await();
      }
      writing = true;
      if (queue.isEmpty() && dropped > 0) {
        long count = dropped;
        dropped = 0;
        return line(Level.WARN, count + " log messages were dropped", clock.millis());
      }
      byte[] line = queue.poll();
      return line == null ? new byte[0] : line;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return new byte[0];
    } finally {
      lock.unlock();
    }
  }

  /// Writes what is queued, for a second at most.
  @Override
  public void close() {
    lock.lock();
    try {
      long left = CLOSE_LIMIT.toNanos();
      while (started && (writing || !queue.isEmpty()) && left > 0) {
        left = changed.awaitNanos(left);
      }
      closed = true;
      changed.signalAll();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }
}
