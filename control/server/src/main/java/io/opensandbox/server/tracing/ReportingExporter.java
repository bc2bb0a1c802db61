package io.opensandbox.server.tracing;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells in the log when spans begin to be lost, at most once a minute that they still are, and
/// when they arrive again.
final class ReportingExporter implements SpanExporter {
  private static final Logger LOG = LoggerFactory.getLogger(Tracing.class);
  private static final long QUIET_NANOS = Duration.ofMinutes(1).toNanos();

  private final SpanExporter exporter;
  private final String collector;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();
  private volatile boolean closing;

  // The rest is guarded by this.
  private boolean failing;
  private long reportedAt;
  private long unreported;
  private long lostSinceFailing;

  /// @param exporter sends; one batch at a time
  /// @param collector host and port, for the log
  ReportingExporter(SpanExporter exporter, String collector) {
    this.exporter = exporter;
    this.collector = collector;
  }

  /// How many spans came to an end here, sent or lost.
  long settled() {
    return sent.get() + lost.get();
  }

  @Override
  public CompletableResultCode export(Collection<SpanData> spans) {
    int count = spans.size();
    CompletableResultCode result = exporter.export(spans);
    return result.whenComplete(() -> {
      if (result.isSuccess()) {
        sent.addAndGet(count);
        arrived();
      } else if (!closing) {
        lost.addAndGet(count);
        failed(count, result.getFailureThrowable());
      }
    });
  }

  private synchronized void arrived() {
    if (failing) {
      failing = false;
      unreported = 0;
      LOG.info("traces reach {} again; {} lost", collector, spans(lostSinceFailing, "was", "were"));
    }
  }

  private synchronized void failed(int count, @Nullable Throwable why) {
    long now = System.nanoTime();
    lostSinceFailing = failing ? lostSinceFailing + count : count;
    unreported += count;
    if (!failing || now - reportedAt >= QUIET_NANOS) {
      failing = true;
      reportedAt = now;
      String reason = reason(why);
      String spans = spans(unreported, "is", "are");
      unreported = 0;
      LOG.warn("cannot send traces to {}: {}; {} lost", collector, reason, spans);
    }
  }

  private static String reason(@Nullable Throwable why) {
    Throwable cause = why != null && why.getCause() != null ? why.getCause() : why;
    String message = cause == null ? null : cause.getMessage();
    return message == null ? "it failed" : SdkLog.line(message);
  }

  static String spans(long count, String one, String more) {
    return count == 1 ? "1 span " + one : count + " spans " + more;
  }

  /// Loses what comes from now on without a word of each.
  void closing() {
    closing = true;
  }

  /// Where it sends to.
  String collector() {
    return collector;
  }

  @Override
  public CompletableResultCode flush() {
    return exporter.flush();
  }

  @Override
  public CompletableResultCode shutdown() {
    return exporter.shutdown();
  }
}
