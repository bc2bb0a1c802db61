package io.opensandbox.server.http;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.server.tracing.Span;
import io.opensandbox.server.tracing.Tracing;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/// The first handler of every request, proxied ones included: gives it an id, answers CORS
/// preflights, refuses what is over capacity, and logs one line when it is done.
public final class FrontDoor extends Handler.Wrapper {
  /// Key of the request id in the logging context.
  public static final String LOG_KEY = "request_id";

  private static final Logger ACCESS = LoggerFactory.getLogger("access");

  private final Envelopes envelopes;
  private final SecureRandom random;
  private final Semaphore places;
  private final RequestCounter counter;
  private final Tracing tracing;

  /// @param next handler behind this one
  /// @param maxConcurrency requests at once; 0 means no limit
  public FrontDoor(
      Handler next,
      Envelopes envelopes,
      SecureRandom random,
      int maxConcurrency,
      RequestCounter counter,
      Tracing tracing) {
    super(next);
    this.envelopes = envelopes;
    this.random = random;
    this.places = new Semaphore(maxConcurrency == 0 ? Integer.MAX_VALUE : maxConcurrency);
    this.counter = counter;
    this.tracing = tracing;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    String id = RequestScope.assignId(request, random);
    Span span = begin(request);
    MDC.put(LOG_KEY, id);
    try {
      response.getHeaders().put("X-Request-ID", id);
      Cors.decorate(request, response.getHeaders());
      Request.addCompletionListener(
          request, failure -> finished(request, response, id, span, failure));
      if (Cors.isPreflight(request)) {
        Cors.answerPreflight(request, response, callback);
        return true;
      }
      if (!places.tryAcquire()) {
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
        envelopes.write(
            response,
            callback,
            envelopes.answer(
                ErrorCode.OVER_CAPACITY, "Service Unavailable: too many requests at once"));
        return true;
      }
      Request.addCompletionListener(request, _ -> places.release());
      return super.handle(request, response, callback);
    } finally {
      MDC.remove(LOG_KEY);
    }
  }

  private Span begin(Request request) {
    Span span =
        tracing.request(
            request.getMethod(),
            name -> Objects.requireNonNullElse(request.getHeaders().get(name), ""));
    RequestScope.setSpan(request, span);
    span.set("http.request.method", request.getMethod());
    span.set("url.path", Objects.requireNonNullElse(request.getHttpURI().getPath(), ""));
    return span;
  }

  private static void end(Span span, Response response, @Nullable Throwable failure) {
    span.set("http.response.status_code", response.getStatus());
    if (failure != null) {
      span.failed(failure.getClass().getName());
    } else if (response.getStatus() >= 500) {
      span.failed(String.valueOf(response.getStatus()));
    }
    span.close();
  }

  private void finished(
      Request request, Response response, String id, Span span, @Nullable Throwable failure) {
    end(span, response, failure);
    long micros = (System.nanoTime() - request.getBeginNanoTime()) / 1000;
    counter.count(request.getMethod(), response.getStatus(), micros);
    if (ACCESS.isInfoEnabled()) {
      MDC.put(LOG_KEY, id);
      ACCESS.info(
          "method={} path={} status={} duration_ms={} key={} peer={} trace={}",
          request.getMethod(),
          request.getHttpURI().getPath(),
          response.getStatus(),
          micros / 1000 + "." + (micros % 1000) / 100,
          RequestScope.caller(request).name(),
          Request.getRemoteAddr(request),
          span.traceId().isEmpty() ? "-" : span.traceId());
      MDC.remove(LOG_KEY);
    }
  }
}
