package io.opensandbox.server;

import io.opensandbox.protocol.lifecycle.Health;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.access.ApiKeys;
import io.opensandbox.server.access.KeyGate;
import io.opensandbox.server.access.RateLimit;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.diagnostics.DiagnosticsRoutes;
import io.opensandbox.server.docs.DocsRoutes;
import io.opensandbox.server.endpoint.Endpoints;
import io.opensandbox.server.http.Envelopes;
import io.opensandbox.server.http.FrontDoor;
import io.opensandbox.server.http.RequestCounter;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.http.WebServer;
import io.opensandbox.server.proxy.ProxyHandler;
import io.opensandbox.server.sandbox.CreateRules;
import io.opensandbox.server.sandbox.SandboxLifecycle;
import io.opensandbox.server.sandbox.SandboxRoutes;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Migrations;
import io.opensandbox.server.store.SqliteDatabase;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The whole server, wired in one place.
final class OpenSandboxServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OpenSandboxServer.class);
  private static final Duration PROXY_HEAD_TIMEOUT = Duration.ofMinutes(3);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

  private final Database database;
  private final SandboxRuntime runtime;
  private final SandboxLifecycle lifecycle;
  private final WebServer web;
  private final RouteTable routes;

  private OpenSandboxServer(
      Database database,
      SandboxRuntime runtime,
      SandboxLifecycle lifecycle,
      WebServer web,
      RouteTable routes) {
    this.database = database;
    this.runtime = runtime;
    this.lifecycle = lifecycle;
    this.web = web;
    this.routes = routes;
  }

  /// Opens the runtime and the store; nothing listens yet.
  static OpenSandboxServer open(Config config, Environment environment) {
    return open(config, environment, Runtimes.open(config, environment));
  }

  /// Opens the store and wires everything around `runtime`, which the server closes.
  static OpenSandboxServer open(Config config, Environment environment, SandboxRuntime runtime) {
    Database database = new SqliteDatabase(config.store().path());
    Migrations.run(database);
    var lifecycle =
        new SandboxLifecycle(
            runtime,
            database,
            CreateRules.of(config, runtime.capabilities()),
            (snapshotId, _) -> {
              throw new io.opensandbox.protocol.lifecycle.SandboxException(
                  io.opensandbox.protocol.lifecycle.ErrorCode.SNAPSHOT_NOT_FOUND,
                  "snapshot \"" + snapshotId + "\" does not exist");
            },
            environment.clock(),
            config.server().createWait(),
            failureTtl(environment));
    var endpoints = new Endpoints(lifecycle.service(), runtime, config.server().eip(), _ -> {});
    var routes = new RouteTable();
    routes.addAtRoot("GET", "/health", exchange -> exchange.reply(200, new Health("healthy")));
    new SandboxRoutes(lifecycle.service()).register(routes);
    endpoints.register(routes);
    new DiagnosticsRoutes(lifecycle.service(), runtime).register(routes);
    new DocsRoutes().register(routes);
    var envelopes = new Envelopes();
    var web =
        new WebServer(
            listen(config.server()),
            routes,
            envelopes,
            next ->
                new FrontDoor(
                    new KeyGate(
                        new ProxyHandler(next, endpoints, PROXY_HEAD_TIMEOUT),
                        new ApiKeys(config.server()),
                        new RateLimit(config.server().rateLimitPerMinute(), environment.clock()),
                        envelopes),
                    envelopes,
                    environment.random(),
                    config.server().maxConcurrency(),
                    new RequestCounter()));
    return new OpenSandboxServer(database, runtime, lifecycle, web, routes);
  }

  /// Repairs what a crash left, then listens until the process is told to stop.
  void start() throws Exception {
    lifecycle.resync();
    lifecycle.start();
    web.start();
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "shutdown"));
    LOG.info("listening on port {} with the {} runtime", web.port(), runtime.name());
  }

  /// What it serves, but for the proxy.
  RouteTable routes() {
    return routes;
  }

  /// The port it listens on.
  int port() {
    return web.port();
  }

  @Override
  public void close() {
    web.close();
    lifecycle.close();
    runtime.close();
    database.close();
  }

  private static WebServer.Listen listen(Config.Server server) {
    return new WebServer.Listen(
        server.host(),
        server.port(),
        server.backlog(),
        server.keepAlive(),
        server.maxBodyBytes(),
        STOP_TIMEOUT);
  }

  private static Duration failureTtl(Environment environment) {
    String text = environment.variables().getOrDefault("PENDING_FAILURE_TTL", "3600");
    if (!text.strip().matches("\\d{1,9}")) {
      throw new IllegalArgumentException("PENDING_FAILURE_TTL must be a number of seconds");
    }
    return Duration.ofSeconds(Long.parseLong(text.strip()));
  }
}
