package io.opensandbox.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.FileSize;
import io.opensandbox.server.config.Config;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/// Sets logging up from the configuration: level, time, request id, logger, message.
final class Logging {
  private static final String REST = "%d{yyyy-MM-dd HH:mm:ssZ} [%X{request_id:--}] %logger: %msg%n";
  private static final String CONSOLE = "%highlight(%level:) " + REST;
  private static final String FILE = "%-8level " + REST;

  private Logging() {}

  /// Logs to standard output at level INFO, before the configuration is known.
  static void console() {
    toConsole(reset("INFO"));
  }

  /// Logs as `log` says.
  static void configure(Config.Log log) {
    LoggerContext context = reset(log.level());
    if (log.fileEnabled()) {
      Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
      root.addAppender(file(context, "main", log.file(), log));
      Logger access = context.getLogger("access");
      access.setAdditive(false);
      access.addAppender(file(context, "access", log.accessFile(), log));
    } else {
      toConsole(context);
    }
  }

  private static LoggerContext reset(String level) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(level(level));
    // Libraries speak up for faults only.
    context.getLogger("org.eclipse.jetty").setLevel(Level.WARN);
    context.getLogger("io.javalin").setLevel(Level.WARN);
    context.getLogger("com.github.dockerjava").setLevel(Level.WARN);
    context.getLogger("com.zaxxer.hikari").setLevel(Level.WARN);
    return context;
  }

  private static Level level(String name) {
    return switch (name) {
      case "WARNING" -> Level.WARN;
      case "CRITICAL", "FATAL" -> Level.ERROR;
      case "NOTSET" -> Level.TRACE;
      default -> Level.toLevel(name, Level.INFO);
    };
  }

  private static void toConsole(LoggerContext context) {
    var appender = new ConsoleAppender<ILoggingEvent>();
    start(appender, context, CONSOLE);
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(appender);
  }

  private static RollingFileAppender<ILoggingEvent> file(
      LoggerContext context, String name, Path path, Config.Log log) {
    var appender = new RollingFileAppender<ILoggingEvent>();
    appender.setName(name);
    appender.setFile(path.toString());
    var policy = new FixedWindowRollingPolicy();
    policy.setContext(context);
    policy.setParent(appender);
    policy.setFileNamePattern(path + ".%i");
    policy.setMinIndex(1);
    policy.setMaxIndex(Math.max(1, log.fileBackupCount()));
    policy.start();
    var trigger = new SizeBasedTriggeringPolicy<ILoggingEvent>();
    trigger.setContext(context);
    trigger.setMaxFileSize(new FileSize(log.fileMaxBytes()));
    trigger.start();
    appender.setRollingPolicy(policy);
    appender.setTriggeringPolicy(trigger);
    start(appender, context, FILE);
    return appender;
  }

  private static void start(
      OutputStreamAppender<ILoggingEvent> appender, LoggerContext context, String pattern) {
    var encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern(pattern);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.start();
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.start();
  }
}
