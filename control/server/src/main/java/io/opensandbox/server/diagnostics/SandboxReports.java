package io.opensandbox.server.diagnostics;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.sandbox.SandboxRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes the texts. A sandbox that the store knows and the runtime does not (still being prepared,
/// or failed) has reports too: what the store knows.
final class SandboxReports {
  private static final Logger LOG = LoggerFactory.getLogger(SandboxReports.class);
  private static final String BANNER = "=".repeat(72);
  private static final String RULE = "-".repeat(40);
  private static final int MAX_LOG_CHARS = 4 << 20;
  private static final List<String> STANDING =
      List.of("Container: ", "Status: ", "Created: ", "Started: ");

  private final SandboxRuntime runtime;

  SandboxReports(SandboxRuntime runtime) {
    this.runtime = runtime;
  }

  /// The last lines that the sandbox's processes wrote; empty text when there are none.
  Excerpt logs(SandboxRow row, int tail, Optional<Duration> since) {
    String text;
    try {
      text = runtime.logs(row.id(), tail + 1, since, true);
    } catch (SandboxException fault) {
      if (fault.code() != ErrorCode.SANDBOX_NOT_FOUND) {
        throw fault;
      }
      text = ""; // the store knows it, the runtime does not: nothing has run yet
    }
    var excerpt = Excerpt.lastLines(text, tail);
    int length = excerpt.text().length();
    return length <= MAX_LOG_CHARS
        ? excerpt
        : new Excerpt(
            excerpt.text().substring(length - MAX_LOG_CHARS),
            true,
            List.of("only the last " + MAX_LOG_CHARS + " characters are given"));
  }

  /// What happened to the sandbox's processes.
  ///
  /// @param limit how many events, and how many health checks, at most
  Excerpt runtimeEvents(SandboxRow row, int limit) {
    Optional<RuntimeSandbox> seen = runtime.find(row.id());
    if (seen.isEmpty()) {
      return new Excerpt("", false, List.of());
    }
    List<String> lines = new ArrayList<>(standing(seen.get()));
    List<String> notable = notableEvents(seen.get());
    lines.addAll(notable.subList(0, Math.min(limit, notable.size())));
    List<String> checks =
        seen.get().container().map(RuntimeSandbox.Container::checks).orElse(List.of());
    int skipped = Math.max(0, checks.size() - limit);
    checks.subList(skipped, checks.size()).forEach(check -> lines.add("  " + check));
    boolean truncated = skipped > 0 || notable.size() > limit;
    return new Excerpt(Masking.mask(joined(lines)), truncated, List.of());
  }

  /// What the server has to say of the sandbox's life.
  String lifecycleEvents(SandboxRow row) {
    var status = row.status();
    var text =
        new StringBuilder()
            .append('[')
            .append(Timestamps.format(row.createdAt()))
            .append("] Accepted\n")
            .append('[')
            .append(Timestamps.format(status.since()))
            .append("] ")
            .append(status.state().wire())
            .append(' ')
            .append(status.reason())
            .append(' ')
            .append(status.message())
            .append('\n');
    row.expiresAt()
        .ifPresent(end -> text.append('[').append(Timestamps.format(end)).append("] Expires\n"));
    return Masking.mask(text.toString());
  }

  /// The events as text for people, with a line that says so when there is nothing to tell.
  String eventsText(SandboxRow row, int limit) {
    var events = runtimeEvents(row, limit);
    if (events.text().isEmpty()) {
      return lifecycleEvents(row);
    }
    boolean notable = events.text().lines().anyMatch(SandboxReports::isNotable);
    return notable ? events.text() : events.text() + "(no notable events)\n";
  }

  private static boolean isNotable(String line) {
    return STANDING.stream().noneMatch(line::startsWith);
  }

  /// The logs as text for people, with a line that says so when there are none.
  String logsText(SandboxRow row, int tail, Optional<Duration> since) {
    var logs = logs(row, tail, since).text();
    return logs.isEmpty() ? "(no logs)" : logs;
  }

  /// How the sandbox is set up.
  String inspect(SandboxRow row) {
    try {
      return Masking.mask(runtime.describe(row.id()));
    } catch (SandboxException fault) {
      if (fault.code() != ErrorCode.SANDBOX_NOT_FOUND) {
        throw fault;
      }
      return inspectStored(row); // the store knows it, the runtime does not
    }
  }

  /// Everything in one text. A part that fails shows that it did.
  String summary(SandboxRow row, int tail, int eventLimit) {
    var text = new StringBuilder();
    text.append(BANNER).append('\n');
    text.append("Sandbox diagnostics: ").append(row.id()).append('\n');
    text.append(BANNER).append("\n\n");
    section(text, "INSPECT", row, () -> inspect(row));
    section(text, "EVENTS", row, () -> eventsText(row, eventLimit));
    section(text, "LOGS", row, () -> logsText(row, tail, Optional.empty()));
    return text.toString();
  }

  private static void section(StringBuilder text, String name, SandboxRow row, Part part) {
    text.append(RULE).append('\n').append(name).append('\n').append(RULE).append('\n');
    text.append(orFault(name, row, part).stripTrailing()).append("\n\n");
  }

  private static String orFault(String name, SandboxRow row, Part part) {
    try {
      return part.write();
    } catch (SandboxException fault) {
      LOG.warn("diagnostics of sandbox {}: {} failed", row.id(), name, fault);
      return "(this part could not be collected; the server's log says why)";
    }
  }

  // What every sandbox has to tell.
  private static List<String> standing(RuntimeSandbox sandbox) {
    String name = "sandbox-" + sandbox.id();
    List<String> lines = new ArrayList<>();
    lines.add(
        sandbox
            .container()
            .map(it -> "Container: " + shortId(it.id()) + " (" + it.name() + ")")
            .orElse("Container: " + shortId(sandbox.id()) + " (" + name + ")"));
    lines.add("Status: " + sandbox.state().name().toLowerCase(Locale.ROOT));
    lines.add("Created: " + Timestamps.format(sandbox.createdAt()));
    sandbox
        .container()
        .flatMap(RuntimeSandbox.Container::startedAt)
        .ifPresent(time -> lines.add("Started: " + Timestamps.format(time)));
    return lines;
  }

  private static List<String> notableEvents(RuntimeSandbox sandbox) {
    List<String> lines = new ArrayList<>();
    sandbox.finishedAt().ifPresent(time -> lines.add("Finished: " + Timestamps.format(time)));
    if (sandbox.outOfMemory()) {
      lines.add("Event: killed for using too much memory (OOMKilled)");
    }
    if (sandbox.exitCode().orElse(0) != 0) {
      lines.add("Event: exited with code " + sandbox.exitCode().getAsInt());
    }
    if (!sandbox.error().isEmpty()) {
      lines.add("Event: error: " + sandbox.error());
    }
    sandbox
        .container()
        .filter(it -> !it.health().isEmpty())
        .ifPresent(it -> lines.add("Health: " + it.health()));
    return lines;
  }

  private static String inspectStored(SandboxRow row) {
    var status = row.status();
    return Masking.mask(
        joined(
            List.of(
                "Sandbox ID:     " + row.id(),
                "Image:          " + row.definition().image(),
                "Status:         " + status.state().wire(),
                "Reason:         " + status.reason(),
                "Message:        " + status.message(),
                "Created At:     " + Timestamps.format(row.createdAt()),
                "Container:      (none)")));
  }

  private static String shortId(String id) {
    return id.substring(0, Math.min(12, id.length()));
  }

  private static String joined(List<String> lines) {
    return lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
  }

  @FunctionalInterface
  private interface Part {
    String write();
  }
}
