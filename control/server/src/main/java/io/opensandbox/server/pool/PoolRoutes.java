package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.http.RouteTable;
import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;

/// The routes of pools, for runtimes without any: the body is checked, then 501 is answered.
public final class PoolRoutes {
  private static final int MAX_NAME = 253;
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  private static final List<String> CAPACITIES =
      List.of("bufferMax", "bufferMin", "poolMax", "poolMin");

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.add("POST", "/pools", this::create);
    routes.add("GET", "/pools", PoolRoutes::refuse);
    routes.add("GET", "/pools/{name}", PoolRoutes::refuse);
    routes.add("PUT", "/pools/{name}", this::update);
    routes.add("DELETE", "/pools/{name}", PoolRoutes::refuse);
  }

  private void create(Exchange exchange) throws IOException {
    Fields body = Fields.of(Exchange.object(exchange.bodyText().orElse("")));
    String name = body.requiredText("name", ErrorCode.INVALID_PARAMETER);
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw invalid(
          "\"name\" must be 1 to 253 lower-case letters, digits or \"-\", with a letter or digit at"
              + " both ends");
    }
    if (body.object("template").isEmpty()) {
      throw invalid("\"template\" is required");
    }
    checkCapacity(body);
    refuse(exchange);
  }

  private void update(Exchange exchange) throws IOException {
    checkCapacity(Fields.of(Exchange.object(exchange.bodyText().orElse(""))));
    refuse(exchange);
  }

  private static void checkCapacity(Fields body) {
    Fields capacity =
        body.object("capacitySpec").orElseThrow(() -> invalid("\"capacitySpec\" is required"));
    for (String name : CAPACITIES) {
      long value =
          capacity
              .integer(name)
              .orElseThrow(() -> invalid("\"" + capacity.path(name) + "\" is required"));
      if (value < 0) {
        throw invalid("\"" + capacity.path(name) + "\" must be 0 or more");
      }
    }
  }

  private static void refuse(Exchange exchange) {
    throw new SandboxException(
        ErrorCode.POOL_NOT_SUPPORTED,
        "pools are not supported by this runtime; they need runtime.type \"kubernetes\"");
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
