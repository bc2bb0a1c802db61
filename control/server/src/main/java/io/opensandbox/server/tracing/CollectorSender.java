package io.opensandbox.server.tracing;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.MessageWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodySubscribers;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// Sends one batch after the other, each on the thread that asks for it, with one deadline for all
/// tries and the whole of their answers. The SDK's own sender limits only the time to the head of
/// an answer, so that a collector that hangs after it ends all tracing.
final class CollectorSender implements HttpSender {
  private static final Set<Integer> BUSY = Set.of(429, 502, 503, 504);
  private static final long MAX_ANSWER_BYTES = 64 * 1024;
  private static final int TRIES = 5;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final double PAUSE_GROWTH = 1.5;
  private static final Duration LONGEST_TIMEOUT = Duration.ofDays(1);

  private final HttpSenderConfig config;
  private final Duration timeout;
  private final HttpClient client;
  private final CountDownLatch closed = new CountDownLatch(1);

  CollectorSender(HttpSenderConfig config) {
    this.config = config;
    this.timeout =
        config.getTimeout().compareTo(LONGEST_TIMEOUT) < 0 ? config.getTimeout() : LONGEST_TIMEOUT;
    // One that was given up in HTTP/2 would leave its connection, which may be dead, in use.
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(config.getConnectTimeout());
    if (config.getSslContext() != null) {
      builder.sslContext(config.getSslContext());
    }
    this.client = builder.build();
  }

  /// What became of a try.
  ///
  /// @param failure empty when the collector has taken the batch
  /// @param again whether it may help to try again
  /// @param pause that the collector asked for
  private record Outcome(Optional<String> failure, boolean again, Optional<Duration> pause) {
    static Outcome lost(String reason, boolean again) {
      return new Outcome(Optional.of(reason), again, Optional.empty());
    }
  }

  @Override
  public void send(
      MessageWriter message, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
    try {
      Optional<String> failure = send(request(message));
      if (failure.isPresent()) {
        onError.accept(new IOException(failure.get()));
      } else {
        onResponse.accept(new Taken());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      onError.accept(e);
    } catch (IOException | RuntimeException e) {
      onError.accept(e);
    }
  }

  private HttpRequest request(MessageWriter message) throws IOException {
    var bytes = new ByteArrayOutputStream();
    HttpRequest.Builder builder = HttpRequest.newBuilder(config.getEndpoint());
    builder.header("Content-Type", config.getContentType());
    config
        .getHeadersSupplier()
        .get()
        .forEach((name, values) -> values.forEach(value -> builder.header(name, value)));
    Compressor compressor = config.getCompressor();
    if (compressor == null) {
      message.writeMessage(bytes);
    } else {
      builder.header("Content-Encoding", compressor.getEncoding());
      try (OutputStream compressed = compressor.compress(bytes)) {
        message.writeMessage(compressed);
      }
    }
    return builder.POST(BodyPublishers.ofByteArray(bytes.toByteArray())).build();
  }

  private Optional<String> send(HttpRequest request) throws InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    Duration backoff = FIRST_PAUSE;
    for (int tries = 1; ; tries++) {
      Outcome outcome = attempt(request, end);
      if (outcome.failure().isEmpty() || !outcome.again() || tries == TRIES) {
        return outcome.failure();
      }
      Duration pause = outcome.pause().orElse(jittered(backoff));
      backoff = Duration.ofNanos((long) (backoff.toNanos() * PAUSE_GROWTH));
      boolean late = pause.toNanos() >= end - System.nanoTime();
      if (late || closed.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
        return outcome.failure();
      }
    }
  }

  // So that many servers do not come back at once.
  private static Duration jittered(Duration pause) {
    return Duration.ofNanos(
        (long) (pause.toNanos() * ThreadLocalRandom.current().nextDouble(0.8, 1.2)));
  }

  private Outcome attempt(HttpRequest request, long end) throws InterruptedException {
    var status = new AtomicInteger();
    CompletableFuture<java.net.http.HttpResponse<Void>> answer =
        client.sendAsync(
            request,
            head -> {
              status.set(head.statusCode());
              return BodySubscribers.limiting(BodySubscribers.discarding(), MAX_ANSWER_BYTES);
            });
    try {
      var response = answer.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      return outcome(
          response.statusCode(), response.headers().firstValue("Retry-After").orElse(""));
    } catch (TimeoutException _) {
      answer.cancel(true); // closes the connection
      return Outcome.lost("it has not answered within " + timeout.toMillis() + " ms", false);
    } catch (ExecutionException e) {
      int known = status.get();
      return known == 0 || isSuccess(known)
          ? failed(e.getCause())
          : outcome(known, ""); // whatever was wrong with the rest of it
    } finally {
      answer.cancel(true);
    }
  }

  private static boolean isSuccess(int status) {
    return status >= 200 && status < 300;
  }

  private static Outcome outcome(int status, String retryAfter) {
    if (isSuccess(status)) {
      return new Outcome(Optional.empty(), false, Optional.empty());
    }
    Optional<Duration> pause =
        retryAfter.matches("\\d{1,9}")
            ? Optional.of(Duration.ofSeconds(Long.parseLong(retryAfter)))
            : Optional.empty();
    return new Outcome(Optional.of("it answered " + status), BUSY.contains(status), pause);
  }

  private Outcome failed(@Nullable Throwable cause) {
    if (cause instanceof ConnectException) {
      return Outcome.lost("nothing accepts connections there", isOpen());
    }
    String reason = cause == null ? "it failed" : cause.getClass().getSimpleName();
    String more = cause == null || cause.getMessage() == null ? "" : ": " + cause.getMessage();
    boolean again = cause instanceof IOException && !(cause instanceof SSLException) && isOpen();
    return Outcome.lost(SdkLog.line(reason + more), again);
  }

  private boolean isOpen() {
    return closed.getCount() > 0;
  }

  /// Gives up what is being sent; returns at once.
  @Override
  public CompletableResultCode shutdown() {
    closed.countDown();
    client.shutdownNow();
    return CompletableResultCode.ofSuccess();
  }

  /// The exporter wants to see a success and nothing of it.
  private record Taken() implements HttpResponse {
    @Override
    public int getStatusCode() {
      return 200;
    }

    @Override
    public String getStatusMessage() {
      return "OK";
    }

    @Override
    public byte[] getResponseBody() {
      return new byte[0];
    }
  }
}
