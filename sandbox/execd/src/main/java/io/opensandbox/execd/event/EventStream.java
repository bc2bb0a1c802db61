package io.opensandbox.execd.event;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.OptionalLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One response that carries events. Another thread writes them; the request's own thread stays in
/// [#pingUntilEnd], so that pings live exactly as long as the response. When the client has gone,
/// further events are dropped.
public final class EventStream implements EventSink {
  /// Between two pings.
  public static final Duration PING_INTERVAL = Duration.ofSeconds(3);

  private final Exchange exchange;
  private final OutputStream out;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();

  private volatile boolean broken;

  // Guarded by the lock.
  private final EventSummaries summaries;
  private boolean open;
  private boolean finished;
  private @Nullable Runnable onBroken;

  private EventStream(Exchange exchange, OutputStream out, InstantSource clock) {
    this.exchange = exchange;
    this.out = out;
    this.clock = clock;
    this.summaries = new EventSummaries(exchange::remark, clock.millis());
  }

  /// Starts the response: 200 and the headers that clients and proxies need to stream.
  public static EventStream start(Exchange exchange, InstantSource clock) throws IOException {
    Headers headers =
        new Headers()
            .set("Content-Type", "text/event-stream")
            .set("Cache-Control", "no-cache")
            .set("Connection", "keep-alive")
            .set("X-Accel-Buffering", "no");
    OutputStream out = exchange.startStream(200, headers, OptionalLong.empty());
    return new EventStream(exchange, out, clock);
  }

  @Override
  public void ended(boolean success) {
    exchange.ended(success);
  }

  /// A sink whose one batch is the end of this stream.
  public EventSink last() {
    return new EventSink() {
      @Override
      public void accept(byte[] bytes, int length, int events, boolean open) {
        end(bytes, length);
      }

      @Override
      public void ended(boolean success) {
        EventStream.this.ended(success);
      }
    };
  }

  /// Sends events and flushes them, unless the client has gone or [#end] was called.
  @Override
  public void accept(byte[] bytes, int length, int events, boolean open) {
    accept(bytes, length, events, open, false);
  }

  /// Like [#accept], with a ping behind the events in the same segment.
  public void acceptAndPing(byte[] bytes, int length, int events, boolean open) {
    accept(bytes, length, events, open, true);
  }

  private void accept(byte[] bytes, int length, int events, boolean open, boolean ping) {
    lock.lock();
    try {
      if (!finished && !broken) {
        this.open = open;
        out.write(bytes, 0, length);
        if (ping) {
          writePing();
        }
        out.flush();
        summarise(bytes, length, events, open);
      }
    } catch (IOException _) { // the client has gone; the work goes on without it
      fail();
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held. The first and the last batches are never skipped.
  private void summarise(byte[] bytes, int length, int events, boolean open) {
    long now = clock.millis();
    if (!summaries.skips(events, open, now)) {
      summaries.add(bytes, length, open, now);
    }
  }

  /// Sends the last events, if any, and ends the response together with them.
  public void end(byte[] bytes, int length) {
    lock.lock();
    try {
      if (!finished && !broken) {
        finished = true;
        out.write(bytes, 0, length);
        out.close();
        summaries.add(bytes, length, false, clock.millis());
      }
    } catch (IOException _) { // the client has gone
      fail();
    } finally {
      ended.signalAll();
      lock.unlock();
    }
  }

  /// Whether the client has gone.
  public boolean isBroken() {
    return broken;
  }

  /// Runs `action` once when the client has gone, at once if it has already.
  public void onBroken(Runnable action) {
    lock.lock();
    try {
      onBroken = action;
    } finally {
      lock.unlock();
    }
    if (broken) {
      action.run();
    }
  }

  /// Sends a ping every three seconds until the stream has ended or the client has gone. The first
  /// ping is the caller's, right after `init`.
  public void pingUntilEnd() {
    long interval = PING_INTERVAL.toNanos();
    lock.lock();
    try {
      long left = interval;
      while (!finished && !broken) {
        left = ended.awaitNanos(left);
        if (left <= 0) {
          ping();
          left = interval;
        }
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      fail();
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held. An event that is still open is a sign of life by itself.
  private void ping() {
    if (finished || broken || open) {
      return;
    }
    try {
      writePing();
      out.flush();
    } catch (IOException _) { // the client has gone
      fail();
    }
  }

  private void writePing() throws IOException {
    var ping = new EventBuffer(clock, (bytes, length, _, _) -> out.write(bytes, 0, length));
    ping.ping();
    ping.flush();
  }

  private void fail() {
    Runnable action = null;
    lock.lock();
    try {
      if (!broken) {
        broken = true;
        action = onBroken;
      }
      ended.signalAll();
    } finally {
      lock.unlock();
    }
    if (action != null) {
      action.run();
    }
  }
}
