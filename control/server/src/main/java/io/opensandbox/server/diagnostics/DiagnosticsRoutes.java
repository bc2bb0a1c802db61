package io.opensandbox.server.diagnostics;

import io.opensandbox.protocol.lifecycle.DiagnosticContent;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.sandbox.SandboxRow;
import io.opensandbox.server.sandbox.SandboxService;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// The routes of diagnostics.
public final class DiagnosticsRoutes {
  private static final int MAX_TAIL = 10_000;
  private static final int MAX_EVENTS = 500;
  private static final Duration DEFAULT_SINCE = Duration.ofMinutes(10);
  private static final Pattern SINCE = Pattern.compile("(\\d{1,9})\\s*([smhd])");
  private static final Set<String> WITH_OUTPUT = Set.of("container", "process", "all");
  private static final Set<String> WITHOUT_OUTPUT = Set.of("lifecycle", "runtime", "network");

  private final SandboxService service;
  private final SandboxReports reports;

  /// @param service finds sandboxes
  /// @param runtime tells about them
  public DiagnosticsRoutes(SandboxService service, SandboxRuntime runtime) {
    this.service = service;
    this.reports = new SandboxReports(runtime);
  }

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.add("GET", "/sandboxes/{id}/diagnostics/logs", this::logs);
    routes.add("GET", "/sandboxes/{id}/diagnostics/events", this::events);
    routes.add("GET", "/sandboxes/{id}/diagnostics/inspect", this::inspect);
    routes.add("GET", "/sandboxes/{id}/diagnostics/summary", this::summary);
  }

  private void logs(Exchange exchange) {
    int tail = exchange.query().integer("tail", 100, 1, MAX_TAIL);
    Optional<Duration> since = exchange.query().text("since").map(DiagnosticsRoutes::since);
    var row = row(exchange);
    Optional<String> scope = exchange.query().text("scope");
    if (scope.isPresent()) {
      exchange.reply(200, content(row, "logs", scope.get(), logs(row, scope.get(), tail, since)));
    } else {
      exchange.setHeader("Deprecation", "true");
      exchange.replyText(200, reports.logsText(row, tail, since));
    }
  }

  private void events(Exchange exchange) {
    int limit = exchange.query().integer("limit", 50, 1, MAX_EVENTS);
    var row = row(exchange);
    Optional<String> scope = exchange.query().text("scope");
    if (scope.isPresent()) {
      exchange.reply(200, content(row, "events", scope.get(), events(row, scope.get(), limit)));
    } else {
      exchange.setHeader("Deprecation", "true");
      exchange.replyText(200, reports.eventsText(row, limit));
    }
  }

  private void inspect(Exchange exchange) {
    exchange.replyText(200, reports.inspect(row(exchange)));
  }

  private void summary(Exchange exchange) {
    int tail = exchange.query().integer("tail", 50, 1, MAX_TAIL);
    int eventLimit = exchange.query().integer("event_limit", 20, 1, MAX_EVENTS);
    exchange.replyText(200, reports.summary(row(exchange), tail, eventLimit));
  }

  private SandboxRow row(Exchange exchange) {
    return service.get(exchange.path("id"), exchange.caller().tenant());
  }

  private Excerpt logs(SandboxRow row, String scope, int tail, Optional<Duration> since) {
    if (WITHOUT_OUTPUT.contains(scope)) {
      return new Excerpt("", false, List.of("the scope \"" + scope + "\" has no logs"));
    }
    return withWarning(scope, reports.logs(row, tail, since));
  }

  private Excerpt events(SandboxRow row, String scope, int limit) {
    return switch (scope) {
      case "network" -> new Excerpt("", false, List.of("the scope \"network\" has no events"));
      case "lifecycle" -> new Excerpt(reports.lifecycleEvents(row), false, List.of());
      case "container", "runtime", "process" -> reports.runtimeEvents(row, limit);
      default -> {
        var seen = reports.runtimeEvents(row, limit);
        yield withWarning(
            scope,
            new Excerpt(
                reports.lifecycleEvents(row) + seen.text(), seen.truncated(), seen.warnings()));
      }
    };
  }

  private static Excerpt withWarning(String scope, Excerpt excerpt) {
    if (WITH_OUTPUT.contains(scope)) {
      return excerpt;
    }
    List<String> warnings = new ArrayList<>(excerpt.warnings());
    warnings.add("the scope \"" + scope + "\" is not known, so \"all\" is given");
    return new Excerpt(excerpt.text(), excerpt.truncated(), warnings);
  }

  private static DiagnosticContent content(
      SandboxRow row, String kind, String scope, Excerpt excerpt) {
    return new DiagnosticContent(
        row.id(),
        kind,
        scope,
        "inline",
        "text/plain; charset=utf-8",
        excerpt.text(),
        excerpt.text().getBytes(StandardCharsets.UTF_8).length,
        excerpt.truncated(),
        excerpt.warnings().isEmpty() ? null : excerpt.warnings());
  }

  /// How far back; what cannot be read counts as ten minutes.
  private static Duration since(String text) {
    var matcher = SINCE.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      return DEFAULT_SINCE;
    }
    long amount = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      case "h" -> Duration.ofHours(amount);
      default -> Duration.ofDays(amount);
    };
  }
}
