package io.opensandbox.server.tracing;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.slf4j.LoggerFactory;

/// Brings what the SDK writes by `java.util.logging` into our log, each in one line. What it says
/// of failed exports is left out: [ReportingExporter] tells it with less noise.
final class SdkLog extends Handler {
  // Kept, or its handler would be collected with it.
  private static final Logger SDK = Logger.getLogger("io.opentelemetry");

  static {
    SDK.setUseParentHandlers(false);
    SDK.addHandler(new SdkLog());
  }

  private SdkLog() {}

  /// From now on.
  static void begin() {
    SDK.setLevel(Level.INFO);
  }

  /// Without what would end or fake a line of a log.
  static String line(String text) {
    return text.replaceAll("\\p{Cntrl}+", " ").strip();
  }

  @Override
  public void publish(LogRecord entry) {
    if (entry.getLoggerName().startsWith("io.opentelemetry.exporter")) {
      return;
    }
    var log = LoggerFactory.getLogger(Tracing.class);
    Throwable thrown = entry.getThrown();
    String text =
        line(entry.getMessage() + (thrown == null ? "" : " (" + thrown.getClass().getName() + ")"));
    if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
      log.warn("{}", text);
    } else {
      log.info("{}", text);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
