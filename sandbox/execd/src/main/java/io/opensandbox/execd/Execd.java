package io.opensandbox.execd;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.command.CommandLog;
import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.command.InterruptRoute;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.HttpServer;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TokenGuard;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.Spawner;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/// The daemon: everything wired together.
final class Execd implements AutoCloseable {
  private final HttpServer server;

  /// What the daemon needs from outside.
  ///
  /// @param environment the daemon's own
  record Surroundings(Map<String, String> environment, Spawner spawner, Clock clock, Log log) {
    Surroundings {
      environment = Map.copyOf(environment);
    }
  }

  /// @param listener bound; closed with the daemon
  Execd(Settings settings, Surroundings surroundings, ServerSocketChannel listener) {
    var router = new Router(new TokenGuard(settings.accessToken()));
    router.add("GET", "/ping", exchange -> exchange.respondEmpty(200));
    addCommands(router, settings, surroundings);
    this.server =
        new HttpServer(listener, router, HttpLimits.DEFAULT, new RequestLog(surroundings.log()));
  }

  private static void addCommands(Router router, Settings settings, Surroundings surroundings) {
    Log log = surroundings.log();
    Clock clock = surroundings.clock();
    Path folder = Path.of(settings.temporaryFolder(), "execd");
    var commands = new CommandLog(folder, settings.commands(), clock);
    var routes =
        new CommandRoutes(
            surroundings.spawner(),
            commands,
            planner(surroundings),
            AccountDatabase.ofSystem(),
            clock,
            new Ids()::command,
            log::warn);
    routes.register(router);
    var interrupt = new InterruptRoute(List.of(routes));
    router.add("DELETE", "/command", interrupt).add("DELETE", "/code", interrupt);
  }

  private static CommandPlanner planner(Surroundings surroundings) {
    Map<String, String> environment = surroundings.environment();
    String envFile = environment.getOrDefault("EXECD_ENVS", "");
    var envFiles =
        new EnvFileSource(
            () -> PathExpansion.expandText(envFile, environment),
            environment,
            surroundings.log()::warn);
    return new CommandPlanner(environment, envFiles, PathExpansion::expandText);
  }

  /// Begins to serve.
  void start() {
    server.start();
  }

  /// The port it serves on.
  int port() {
    return server.port();
  }

  /// Ends requests and stops.
  @Override
  public void close() {
    server.close();
  }
}
