package io.opensandbox.execd.metrics;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import io.opensandbox.protocol.execd.Metrics;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// `GET /metrics` and `GET /metrics/watch`.
public final class MetricsRoutes {
  private static final Duration WINDOW = Duration.ofMillis(100);
  private static final Duration USABLE_AGE = Duration.ofSeconds(10);
  private static final Duration CADENCE = Duration.ofSeconds(1);

  private final Sampler sampler;
  private final Pause pause;

  /// The last reading that somebody asked for; guarded by this.
  private Sampler.Reading last;

  /// Waits between two readings.
  @FunctionalInterface
  interface Pause {
    void await(Duration time) throws InterruptedException;
  }

  MetricsRoutes(Sampler sampler, Pause pause) {
    this.sampler = sampler;
    this.pause = pause;
    this.last = sampler.read();
  }

  /// Routes that read this machine.
  public static MetricsRoutes ofSystem(Clock clock) {
    Semaphore never = new Semaphore(0);
    return new MetricsRoutes(
        new Sampler(
            new KernelFiles(Path.of("/")),
            new Sampler.Surroundings(
                Path.of("/"), Runtime.getRuntime()::availableProcessors, System::nanoTime, clock)),
        time -> {
          if (never.tryAcquire(time.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new IllegalStateException("nobody releases this semaphore");
          }
        });
  }

  /// Adds the routes.
  public void register(Router router) {
    router.add("GET", "/metrics", this::answer).add("GET", "/metrics/watch", this::watch);
  }

  private void answer(Exchange exchange) throws IOException {
    JsonResponses.send(exchange, 200, write(new JsonWriter(), current()));
  }

  /// Uses the last reading if it is neither too fresh nor too old to tell something, else makes a
  /// short window of its own.
  private Metrics current() {
    Sampler.Reading before = lastUsable();
    Sampler.Reading after = sampler.read();
    synchronized (this) {
      last = after;
    }
    try {
      return sampler.between(before, after);
    } catch (IOException e) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "error reading runtime metrics. " + e.getMessage(), e);
    }
  }

  private Sampler.Reading lastUsable() {
    Sampler.Reading reading;
    synchronized (this) {
      reading = last;
    }
    long age = sampler.age(reading);
    if (age >= WINDOW.toNanos() && age <= USABLE_AGE.toNanos()) {
      return reading;
    }
    Sampler.Reading fresh = sampler.read();
    await(WINDOW);
    return fresh;
  }

  private void watch(Exchange exchange) throws IOException {
    Headers headers =
        new Headers()
            .add("Content-Type", "text/event-stream")
            .add("Cache-Control", "no-cache")
            .add("Connection", "keep-alive")
            .add("X-Accel-Buffering", "no");
    try (OutputStream out = exchange.startStream(200, headers, OptionalLong.empty())) {
      out.flush();
      JsonWriter json = new JsonWriter();
      Sampler.Reading before = sampler.read();
      Sampler.Reading first = before;
      for (long tick = 1; await(untilTick(first, tick)); tick++) {
        Sampler.Reading after = sampler.read();
        record(json.reset(), before, after).raw("\n\n").writeTo(out);
        out.flush();
        before = after;
      }
    }
  }

  /// One record of a stream; a failed reading is a record too, and the stream goes on.
  private JsonWriter record(JsonWriter json, Sampler.Reading before, Sampler.Reading after) {
    try {
      return write(json, sampler.between(before, after));
    } catch (IOException e) {
      return json.beginObject().field("error", String.valueOf(e.getMessage())).endObject();
    }
  }

  /// The time left until a tick, so that the cadence does not drift.
  private Duration untilTick(Sampler.Reading first, long tick) {
    long left = tick * CADENCE.toNanos() - sampler.age(first);
    return Duration.ofNanos(Math.max(0, left));
  }

  private boolean await(Duration time) {
    try {
      pause.await(time);
      return true;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /// Writes the numbers as a JSON object.
  static JsonWriter write(JsonWriter json, Metrics metrics) {
    return json.beginObject()
        .field("cpu_count", metrics.cpuCount())
        .field("cpu_used_pct", metrics.cpuUsedPct())
        .field("mem_total_mib", metrics.memTotalMib())
        .field("mem_used_mib", metrics.memUsedMib())
        .field("timestamp", metrics.timestamp())
        .field("disk_total_mib", metrics.diskTotalMib())
        .field("disk_used_mib", metrics.diskUsedMib())
        .field("pids_used", metrics.pidsUsed())
        .field("pids_limit", metrics.pidsLimit())
        .endObject();
  }
}
