package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;

/// Query parameters without which a request means nothing.
public final class RequiredQuery {
  private RequiredQuery() {}

  /// The first value.
  ///
  /// @throws ExecdException `MISSING_QUERY` when it is absent or empty
  public static String of(Exchange exchange, String name) {
    return exchange
        .query()
        .first(name)
        .filter(text -> !text.isEmpty())
        .orElseThrow(() ->
            new ExecdException(ErrorCode.MISSING_QUERY, "missing query parameter '" + name + "'"));
  }
}
