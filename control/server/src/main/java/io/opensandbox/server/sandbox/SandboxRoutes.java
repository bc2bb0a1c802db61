package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.Pagination;
import io.opensandbox.protocol.lifecycle.RenewedExpiration;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxList;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The routes of sandboxes.
public final class SandboxRoutes {
  private final SandboxService service;

  /// @param service with the rules
  public SandboxRoutes(SandboxService service) {
    this.service = service;
  }

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.add("POST", "/sandboxes", this::create);
    routes.add("GET", "/sandboxes", this::list);
    routes.add("GET", "/sandboxes/{id}", this::get);
    routes.add("DELETE", "/sandboxes/{id}", this::delete);
    routes.add("PATCH", "/sandboxes/{id}/metadata", this::patchMetadata);
    routes.add("POST", "/sandboxes/{id}/pause", this::pause);
    routes.add("POST", "/sandboxes/{id}/resume", this::resume);
    routes.add("POST", "/sandboxes/{id}/renew-expiration", this::renew);
  }

  private void create(Exchange exchange) throws IOException {
    String text = exchange.bodyText().orElse("");
    Json.Obj body = Exchange.object(text);
    Optional<IdempotencyKey> key =
        exchange.header(IdempotencyKey.HEADER).map(value -> IdempotencyKey.of(value, text));
    String response = service.create(body, text, key, exchange.caller().tenant());
    if (exchange.isTraced() && Exchange.object(response).member("id") instanceof Json.Str id) {
      exchange.made(id.value());
    }
    exchange.replyJson(202, response.getBytes(StandardCharsets.UTF_8));
  }

  private void list(Exchange exchange) {
    SandboxFilter filter = SandboxFilter.of(exchange.query());
    SandboxStore.Page page = service.list(filter, exchange.caller().tenant());
    exchange.reply(
        200,
        new SandboxList(
            page.rows().stream().map(SandboxViews::sandbox).toList(),
            Pagination.of(filter.page(), filter.pageSize(), page.total())));
  }

  private void get(Exchange exchange) {
    replyWithETag(exchange, service.get(exchange.path("id"), exchange.caller().tenant()));
  }

  private void delete(Exchange exchange) {
    service.delete(exchange.path("id"), exchange.caller().tenant());
    exchange.replyEmpty(204);
  }

  private void patchMetadata(Exchange exchange) throws IOException {
    Json.Obj body = Exchange.object(exchange.bodyText().orElse(""));
    Map<String, Optional<String>> patch = new LinkedHashMap<>();
    body.members()
        .forEach((key, value) ->
            patch.put(
                key,
                switch (value) {
                  case Json.Str text -> Optional.of(text.value());
                  case Json.Null _ -> Optional.empty();
                  case Json other ->
                      throw new SandboxException(
                          ErrorCode.INVALID_METADATA_LABEL,
                          "the value of metadata key \""
                              + key
                              + "\" must be a string or null, not "
                              + other.kind());
                }));
    replyWithETag(
        exchange,
        service.patchMetadata(
            exchange.path("id"), patch, ifMatch(exchange), exchange.caller().tenant()));
  }

  /// The versions that `If-Match` lists (RFC 9110, section 13.1.1); empty when any will do. Tags
  /// that we never gave, and weak ones, match no version.
  private static Optional<Set<Long>> ifMatch(Exchange exchange) {
    Optional<String> header = exchange.header("If-Match").map(String::strip);
    if (header.isEmpty() || header.get().equals("*")) {
      return Optional.empty();
    }
    return Optional.of(
        Stream.of(header.get().split(",", -1))
            .map(String::strip)
            .filter(tag -> tag.matches("\"\\d{1,18}\""))
            .map(tag -> Long.valueOf(tag.substring(1, tag.length() - 1)))
            .collect(Collectors.toUnmodifiableSet()));
  }

  private static void replyWithETag(Exchange exchange, SandboxRow row) {
    exchange.setHeader("ETag", "\"" + row.version() + "\"");
    exchange.reply(200, SandboxViews.sandbox(row));
  }

  private void pause(Exchange exchange) {
    service.pause(exchange.path("id"), exchange.caller().tenant());
    exchange.replyEmpty(202);
  }

  private void resume(Exchange exchange) {
    service.resume(exchange.path("id"), exchange.caller().tenant());
    exchange.replyEmpty(202);
  }

  private void renew(Exchange exchange) throws IOException {
    Json.Obj body = Exchange.object(exchange.bodyText().orElse(""));
    Instant expiresAt = expiresAt(Fields.of(body));
    Instant renewed = service.renew(exchange.path("id"), expiresAt, exchange.caller().tenant());
    exchange.reply(200, new RenewedExpiration(Timestamps.format(renewed)));
  }

  private static Instant expiresAt(Fields body) {
    return switch (body.value("expiresAt")) {
      case Json.Str text -> Timestamps.parse("expiresAt", text.value());
      case Json.Num number -> Timestamps.ofUnixTime(number.value());
      case null -> throw invalid("\"expiresAt\" is required");
      case Json other ->
          throw invalid("\"expiresAt\" must be a time after RFC 3339, not " + other.kind());
    };
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
