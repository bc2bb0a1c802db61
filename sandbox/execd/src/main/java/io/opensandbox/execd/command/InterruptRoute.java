package io.opensandbox.execd.command;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.util.List;

/// `DELETE /command?id=` and `DELETE /code?id=`: the id may be of any kind.
public final class InterruptRoute implements Handler {
  /// Historic, spelling included; clients search for it.
  private static final String PREFIX = "error interruptting code context. ";

  private final List<Interruptible> kinds;

  /// @param kinds in the order in which they are asked
  public InterruptRoute(List<Interruptible> kinds) {
    this.kinds = List.copyOf(kinds);
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    String id = exchange.query().first("id").orElse("");
    if (id.isEmpty()) {
      throw new ExecdException(ErrorCode.MISSING_QUERY, "missing query parameter \"id\"");
    }
    try {
      for (Interruptible kind : kinds) {
        if (kind.interrupt(id)) {
          exchange.respondEmpty(200);
          return;
        }
      }
    } catch (ExecdException e) {
      throw new ExecdException(e.code(), PREFIX + e.getMessage(), e);
    }
    throw new ExecdException(ErrorCode.CONTEXT_NOT_FOUND, PREFIX + "no such session");
  }
}
