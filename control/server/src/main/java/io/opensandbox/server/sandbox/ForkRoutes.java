package io.opensandbox.server.sandbox;

import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// The route that copies sandboxes.
public final class ForkRoutes {
  private final ForkService service;

  /// @param service with the rules
  public ForkRoutes(ForkService service) {
    this.service = service;
  }

  /// Adds the route.
  public void register(RouteTable routes) {
    routes.add("POST", "/sandboxes/{id}/fork", this::fork);
  }

  private void fork(Exchange exchange) throws IOException {
    String id = exchange.path("id");
    String sent = exchange.bodyText().orElse("");
    String text = sent.isBlank() ? "{}" : sent;
    Json.Obj body = Exchange.object(text);
    Optional<IdempotencyKey> key =
        exchange
            .header(IdempotencyKey.HEADER)
            .map(value -> IdempotencyKey.of(value, "fork " + id + "\n" + text));
    String response = service.fork(id, body, text, key, exchange.caller().tenant());
    exchange.replyJson(202, response.getBytes(StandardCharsets.UTF_8));
  }
}
