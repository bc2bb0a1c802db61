package io.opensandbox.execd;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.HttpObserver;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.log.SecretMask;

/// Logs every request with its full URL, and faults with their cause.
final class RequestLog implements HttpObserver {
  private final Log log;

  RequestLog(Log log) {
    this.log = log;
  }

  @Override
  public void finished(Exchange exchange, String route, int status, long nanos) {
    String query = exchange.query().raw();
    String url = query.isEmpty() ? exchange.rawPath() : exchange.rawPath() + "?" + query;
    log.info(exchange.method() + " " + url + " " + status + " " + nanos / 1_000_000 + "ms");
  }

  @Override
  public void remarked(Exchange exchange, String text) {
    log.info("request " + exchange.requestId() + " " + SecretMask.mask(text));
  }

  @Override
  public void failed(Exchange exchange, Throwable cause) {
    log.error("request " + exchange.requestId() + " " + exchange.rawPath() + " failed", cause);
  }

  @Override
  public void acceptFailed(Throwable cause) {
    log.error("cannot serve a connection", cause);
  }
}
