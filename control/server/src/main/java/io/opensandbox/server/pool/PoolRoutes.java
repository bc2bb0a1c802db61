package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.protocol.lifecycle.PoolList;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.json.Json;
import java.io.IOException;
import java.util.regex.Pattern;

/// The routes of pools.
public final class PoolRoutes {
  private static final int MAX_NAME = 253;
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");

  private final PoolService service;

  /// @param service with the rules
  public PoolRoutes(PoolService service) {
    this.service = service;
  }

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.add("POST", "/pools", this::create);
    routes.add("GET", "/pools", this::list);
    routes.add("GET", "/pools/{name}", this::get);
    routes.add("PUT", "/pools/{name}", this::update);
    routes.add("DELETE", "/pools/{name}", this::delete);
  }

  private void create(Exchange exchange) throws IOException {
    Fields body = Fields.of(Exchange.object(exchange.bodyText().orElse("")));
    String name = body.requiredText("name", ErrorCode.INVALID_PARAMETER);
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw invalid(
          "\"name\" must be 1 to 253 lower-case letters, digits or \"-\", with a letter or digit at"
              + " both ends");
    }
    Fields template =
        body.object("template").orElseThrow(() -> invalid("\"template\" is required"));
    PoolCapacity capacity = capacity(body);
    Json.Obj member = PodTemplate.create(template);
    exchange.reply(201, service.create(name, member, capacity, tenant(exchange)));
  }

  private void list(Exchange exchange) {
    exchange.reply(200, new PoolList(service.list(tenant(exchange))));
  }

  private void get(Exchange exchange) {
    exchange.reply(200, service.get(exchange.path("name"), tenant(exchange)));
  }

  private void update(Exchange exchange) throws IOException {
    PoolCapacity capacity = capacity(Fields.of(Exchange.object(exchange.bodyText().orElse(""))));
    exchange.reply(200, service.update(exchange.path("name"), capacity, tenant(exchange)));
  }

  private void delete(Exchange exchange) {
    service.delete(exchange.path("name"), tenant(exchange));
    exchange.replyEmpty(204);
  }

  private static String tenant(Exchange exchange) {
    return exchange.caller().tenant();
  }

  private static PoolCapacity capacity(Fields body) {
    Fields capacity =
        body.object("capacitySpec").orElseThrow(() -> invalid("\"capacitySpec\" is required"));
    return new PoolCapacity(
        number(capacity, "bufferMax"),
        number(capacity, "bufferMin"),
        number(capacity, "poolMax"),
        number(capacity, "poolMin"));
  }

  private static int number(Fields capacity, String name) {
    long value =
        capacity
            .integer(name)
            .orElseThrow(() -> invalid("\"" + capacity.path(name) + "\" is required"));
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw invalid("\"" + capacity.path(name) + "\" must be from 0 to 2147483647");
    }
    return (int) value;
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
