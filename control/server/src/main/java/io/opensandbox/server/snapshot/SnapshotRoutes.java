package io.opensandbox.server.snapshot;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.Pagination;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxStatus;
import io.opensandbox.protocol.lifecycle.Snapshot;
import io.opensandbox.protocol.lifecycle.SnapshotList;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.http.Query;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/// The routes of snapshots.
public final class SnapshotRoutes {
  private final SnapshotService service;

  /// @param service with the rules
  public SnapshotRoutes(SnapshotService service) {
    this.service = service;
  }

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.add("POST", "/sandboxes/{id}/snapshots", this::create);
    routes.add("GET", "/snapshots", this::list);
    routes.add("GET", "/snapshots/{id}", this::get);
    routes.add("DELETE", "/snapshots/{id}", this::delete);
  }

  private void create(Exchange exchange) throws IOException {
    Optional<String> name = exchange.bodyText().flatMap(SnapshotRoutes::name);
    SnapshotRow row = service.create(exchange.path("id"), name, exchange.caller().tenant());
    exchange.setHeader("Location", "/v1/snapshots/" + row.id());
    exchange.reply(202, view(row));
  }

  private static Optional<String> name(String text) {
    if (text.isBlank() || JsonParser.parse(text) instanceof Json.Null) {
      return Optional.empty();
    }
    Optional<String> name = Fields.of(Exchange.object(text)).text("name");
    if (name.isPresent() && name.get().isEmpty()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "\"name\" must have at least one character");
    }
    return name;
  }

  private void list(Exchange exchange) {
    Query query = exchange.query();
    int page = query.integer("page", 1, 1, Integer.MAX_VALUE);
    int pageSize = query.integer("pageSize", 20, 1, 200);
    List<SnapshotRow> rows =
        service.list(
            query.text("sandboxId").orElse(""), query.all("state"), exchange.caller().tenant());
    List<Snapshot> items =
        rows.stream()
            .skip((long) (page - 1) * pageSize)
            .limit(pageSize)
            .map(SnapshotRoutes::view)
            .toList();
    exchange.reply(200, new SnapshotList(items, Pagination.of(page, pageSize, rows.size())));
  }

  private void get(Exchange exchange) {
    exchange.reply(200, view(service.get(exchange.path("id"), exchange.caller().tenant())));
  }

  private void delete(Exchange exchange) {
    service.delete(exchange.path("id"), exchange.caller().tenant());
    exchange.replyEmpty(204);
  }

  private static Snapshot view(SnapshotRow row) {
    SnapshotRow.Status status = row.status();
    return new Snapshot(
        row.id(),
        row.sandboxId(),
        row.name().orElse(null),
        new SandboxStatus(
            status.state().wire(),
            status.reason(),
            status.message(),
            Timestamps.format(status.since())),
        Timestamps.format(row.createdAt()));
  }
}
