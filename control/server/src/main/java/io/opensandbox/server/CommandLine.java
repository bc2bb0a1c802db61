package io.opensandbox.server;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.config.ConfigException;
import io.opensandbox.server.config.ConfigLoader;
import io.opensandbox.server.config.ConfigTemplates;
import io.opensandbox.server.config.StartupGuard;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// The command `opensandbox-server`.
@Command(
    name = "opensandbox-server",
    description = "Runs the OpenSandbox lifecycle server.",
    mixinStandardHelpOptions = true,
    footer = "init-config [PATH] [--example docker|docker-zh|k8s|k8s-zh] [--force]",
    version = "opensandbox-server 0.1.0")
final class CommandLine implements Callable<Integer> {
  /// Status of a command that leaves the server running.
  static final int STAYS = -1;

  private static final int CONFIRM_SECONDS = 30;

  private final Environment environment;

  @Option(names = "--config", paramLabel = "PATH", description = "Configuration file.")
  private @Nullable String config;

  @Option(names = "--reload", description = "Accepted for compatibility, without effect.")
  private boolean reload;

  @Option(names = "--check", description = "Check the configuration, say what is wrong, and exit.")
  private boolean check;

  private CommandLine(Environment environment) {
    this.environment = environment;
  }

  /// Runs the command line and returns its exit status, or [#STAYS].
  static int run(Environment environment, String... arguments) {
    var command = new CommandLine(environment);
    if (command.isUsualStart(arguments)) {
      return command.call();
    }
    var line = new picocli.CommandLine(command);
    line.addSubcommand(new InitConfig(environment));
    line.addSubcommand(new Backup(environment));
    line.addSubcommand(new Rehearse(environment));
    return line.execute(arguments);
  }

  // Nothing but the configuration file. Done here because picocli's classes are too old for the
  // ahead-of-time cache and cost a start a fifth of its time.
  private boolean isUsualStart(String... arguments) {
    boolean usual =
        arguments.length == 0
            || (arguments.length == 2
                && arguments[0].equals("--config")
                && !arguments[1].startsWith("-"));
    if (usual && arguments.length > 0) {
      config = arguments[1];
    }
    return usual;
  }

  @Override
  public Integer call() {
    var loader = new ConfigLoader(environment.variables(), environment.home());
    Path file = loader.path(Optional.ofNullable(config));
    Config loaded;
    try {
      loaded = loader.load(file);
    } catch (ConfigException | UncheckedIOException e) {
      Logging.console();
      logger().error("{}", e.getMessage());
      return 1;
    }
    if (check) {
      environment.out().println("configuration \"" + file + "\" is valid");
      return 0;
    }
    Logging.configure(loaded.log());
    if (reload) {
      logger().info("--reload is accepted for compatibility and does nothing");
    }
    try {
      var server = OpenSandboxServer.open(loaded, environment);
      if (!mayStart(loaded)) {
        server.close();
        return 1;
      }
      server.start();
      return STAYS;
    } catch (SandboxException e) { // it says all there is to say
      logger().error("cannot start: {}", e.getMessage());
      return 1;
    } catch (Exception e) {
      logger().error("cannot start: {}", e.getMessage(), e);
      return 1;
    }
  }

  private boolean mayStart(Config loaded) {
    String variable = StartupGuard.INSECURE_VARIABLE;
    return switch (StartupGuard.judge(loaded.server(), environment.variables(), isTerminal())) {
      case START -> true;
      case START_WITH_WARNING -> {
        logger().warn("running without an API key, as {} acknowledges", variable);
        yield true;
      }
      case ASK -> askedPersonAgrees();
      case REFUSE -> {
        logger()
            .error(
                "no API key is configured: set server.api_key, or {} to acknowledge running"
                    + " without one",
                variable);
        yield false;
      }
    };
  }

  private static boolean isTerminal() {
    try {
      String input = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
      return input.startsWith("/dev/pts/") || input.startsWith("/dev/tty");
    } catch (IOException _) { // nobody to ask where this cannot be told
      return false;
    }
  }

  private boolean askedPersonAgrees() {
    environment
        .out()
        .println(
            "\u001b[31mNo API key is configured: anybody who reaches this server may use it."
                + " Type YES within 30 seconds to go on.\u001b[0m");
    CompletableFuture<String> answer = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            var in = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
            answer.complete(String.valueOf(in.readLine()));
          } catch (IOException e) {
            answer.completeExceptionally(e);
          }
        });
    try {
      return answer.get(CONFIRM_SECONDS, TimeUnit.SECONDS).equals("YES");
    } catch (ExecutionException | TimeoutException _) { // no YES, whatever the reason
      return false;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      logger().debug("asked for a confirmation to run without an API key");
    }
  }

  private static Logger logger() {
    return LoggerFactory.getLogger(CommandLine.class);
  }

  /// Writes a configuration file.
  @Command(
      name = "init-config",
      description = "Writes a configuration file and exits.",
      mixinStandardHelpOptions = true)
  static final class InitConfig implements Callable<Integer> {
    private final Environment environment;

    @Parameters(arity = "0..1", paramLabel = "PATH", defaultValue = "~/.sandbox.toml")
    private String path = "~/.sandbox.toml";

    @Option(
        names = "--example",
        paramLabel = "KIND",
        description = "Packaged example: docker, docker-zh, k8s or k8s-zh.")
    private @Nullable String example;

    @Option(names = "--force", description = "Overwrite an existing file.")
    private boolean force;

    InitConfig(Environment environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() {
      var loader = new ConfigLoader(environment.variables(), environment.home());
      Path target = loader.expand(path);
      if (example != null && !ConfigTemplates.examples().contains(example)) {
        environment
            .out()
            .println(
                "unknown example \"" + example + "\"; choose from " + ConfigTemplates.examples());
        return picocli.CommandLine.ExitCode.USAGE;
      }
      try {
        ConfigTemplates.write(target, Optional.ofNullable(example), force);
      } catch (IOException e) {
        environment.out().println("Failed to write config template: " + e.getMessage());
        return 1;
      }
      environment
          .out()
          .println(
              example == null
                  ? "Wrote full config skeleton to " + target
                  : "Wrote example config (" + example + ") to " + target);
      return 0;
    }
  }

  /// Rehearses a start for the JVM's ahead-of-time cache.
  @Command(name = "rehearse", hidden = true)
  static final class Rehearse implements Callable<Integer> {
    private final Environment environment;

    Rehearse(Environment environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() throws Exception {
      Rehearsal.run(environment);
      return 0;
    }
  }
}
