package io.opensandbox.server;

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
import io.opensandbox.server.operation.OperationRoutes;
import io.opensandbox.server.pool.PoolKeeper;
import io.opensandbox.server.pool.PoolMetrics;
import io.opensandbox.server.pool.PoolRoutes;
import io.opensandbox.server.pool.PoolService;
import io.opensandbox.server.pool.Pools;
import io.opensandbox.server.proxy.ProxyHandler;
import io.opensandbox.server.renewal.AccessRenewal;
import io.opensandbox.server.renewal.RedisSignals;
import io.opensandbox.server.sandbox.CreateRules;
import io.opensandbox.server.sandbox.ForkRoutes;
import io.opensandbox.server.sandbox.SandboxLifecycle;
import io.opensandbox.server.sandbox.SandboxRoutes;
import io.opensandbox.server.sandbox.SandboxService;
import io.opensandbox.server.snapshot.SnapshotRoutes;
import io.opensandbox.server.snapshot.SnapshotService;
import io.opensandbox.server.snapshot.Snapshots;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Heartbeat;
import io.opensandbox.server.store.Migrations;
import io.opensandbox.server.store.Store;
import io.opensandbox.server.store.StoreException;
import io.opensandbox.server.store.WriteProbe;
import io.opensandbox.server.tracing.Tracing;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The whole server, wired in one place.
final class OpenSandboxServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OpenSandboxServer.class);
  private static final Duration PROXY_HEAD_TIMEOUT = Duration.ofMinutes(3);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

  private final Database database;
  private final Optional<Heartbeat> heartbeat;
  private final SandboxRuntime runtime;
  private final SandboxLifecycle lifecycle;
  private final SnapshotService snapshots;
  private final PoolKeeper keeper;
  private final Optional<AccessRenewal> renewal;
  private final Optional<RedisSignals> redis;
  private final RouteTable routes = new RouteTable();
  private final WebServer web;
  private final Tracing tracing;
  private final boolean ownsRuntime;
  // Guarded by this.
  private boolean closed;

  private OpenSandboxServer(
      Database database,
      SandboxRuntime untraced,
      boolean ownsRuntime,
      Config config,
      Environment environment,
      Tracing tracing) {
    this.tracing = tracing;
    SandboxRuntime runtime = tracing.watched(untraced);
    Clock clock = environment.clock();
    Config.Server server = config.server();
    this.database = database;
    var store = new Store(database, UUID.randomUUID().toString(), config.store().lease());
    this.runtime = runtime;
    this.ownsRuntime = ownsRuntime;
    var restores = new Snapshots(store, runtime);
    var pools = new Pools(store);
    this.lifecycle =
        new SandboxLifecycle(
            runtime,
            store,
            CreateRules.of(config, runtime.capabilities()),
            restores,
            pools,
            clock,
            server.createWait(),
            failureTtl(environment),
            tracing);
    SandboxService sandboxes = lifecycle.service();
    this.snapshots =
        new SnapshotService(
            restores,
            runtime,
            sandboxes,
            lifecycle.captures(),
            clock,
            config.store().maxSnapshots(),
            tracing);
    int processors = Runtime.getRuntime().availableProcessors();
    this.keeper = new PoolKeeper(pools, lifecycle.members(), processors);
    var poolService = new PoolService(pools, lifecycle.members(), keeper, clock);
    this.heartbeat =
        database.isShared()
            ? Optional.of(new Heartbeat(store.lease(), List.of(lifecycle::beat, snapshots::beat)))
            : Optional.empty();
    this.renewal =
        config.renewIntent().enabled()
            ? Optional.of(new AccessRenewal(sandboxes, clock, config.renewIntent().minInterval()))
            : Optional.empty();
    this.redis =
        renewal.flatMap(
            signals -> config.renewIntent().redis().map(from -> signalsOf(from, signals, clock)));
    var endpoints =
        new Endpoints(
            sandboxes,
            runtime,
            server.eip(),
            id ->
                renewal.ifPresent(
                    signals -> signals.accessed(id, AccessRenewal.Source.SERVER_PROXY)));
    var counter = new RequestCounter();
    var poolMetrics = PoolMetrics.families(pools, poolService);
    var storeCheck = new WriteProbe(database);
    new OperationRoutes(runtime, storeCheck::check, lifecycle::countByState, counter, poolMetrics)
        .register(routes);
    new SandboxRoutes(sandboxes).register(routes);
    new ForkRoutes(lifecycle.forks()).register(routes);
    endpoints.register(routes);
    new SnapshotRoutes(snapshots).register(routes);
    new PoolRoutes(poolService).register(routes);
    new DiagnosticsRoutes(sandboxes, runtime).register(routes);
    new DocsRoutes().register(routes);
    var envelopes = new Envelopes();
    var keys = new ApiKeys(server);
    var limit = new RateLimit(server.rateLimitPerMinute(), clock);
    this.web =
        new WebServer(
            listen(server),
            routes,
            envelopes,
            next -> {
              var proxy = new ProxyHandler(next, endpoints, PROXY_HEAD_TIMEOUT, tracing);
              var gate = new KeyGate(proxy, keys, limit, envelopes);
              return new FrontDoor(
                  gate, envelopes, environment.random(), server.maxConcurrency(), counter, tracing);
            });
  }

  /// Opens the runtime and the store; nothing listens yet.
  static OpenSandboxServer open(Config config, Environment environment) {
    Tracing tracing = Tracing.of(environment.variables());
    try {
      return open(config, environment, tracing);
    } catch (RuntimeException e) {
      tracing.close();
      throw e;
    }
  }

  private static OpenSandboxServer open(Config config, Environment environment, Tracing tracing) {
    SandboxRuntime runtime = Runtimes.open(config, environment, tracing);
    try {
      Database database = Databases.openAlone(config.store());
      return open(config, environment, runtime, database, true, tracing);
    } catch (RuntimeException e) {
      runtime.close();
      throw e;
    }
  }

  /// Opens the store and wires everything around `runtime`, which the caller closes.
  static OpenSandboxServer open(Config config, Environment environment, SandboxRuntime runtime) {
    return open(config, environment, runtime, Databases.open(config.store()));
  }

  /// Wires everything around `runtime`, which the caller closes, and `database`.
  static OpenSandboxServer open(
      Config config, Environment environment, SandboxRuntime runtime, Database database) {
    Tracing tracing = Tracing.of(environment.variables());
    try {
      return open(config, environment, runtime, database, false, tracing);
    } catch (RuntimeException e) {
      tracing.close();
      throw e;
    }
  }

  private static OpenSandboxServer open(
      Config config,
      Environment environment,
      SandboxRuntime runtime,
      Database database,
      boolean ownsRuntime,
      Tracing tracing) {
    try {
      Migrations.run(database);
      return new OpenSandboxServer(database, runtime, ownsRuntime, config, environment, tracing);
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /// Repairs what a crash left, then listens until the process is told to stop.
  void start() throws Exception {
    heartbeat.ifPresent(Heartbeat::start);
    lifecycle.resync();
    snapshots.recover(!database.isShared());
    lifecycle.start();
    keeper.start();
    renewal.ifPresent(AccessRenewal::start);
    redis.ifPresent(RedisSignals::start);
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

  /// Stops; whoever calls it again waits until it has stopped.
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    web.close();
    redis.ifPresent(RedisSignals::close);
    renewal.ifPresent(AccessRenewal::close);
    snapshots.close();
    keeper.close();
    lifecycle.close();
    heartbeat.ifPresent(Heartbeat::close);
    try {
      handBack();
    } finally {
      if (ownsRuntime) {
        runtime.close();
      }
      database.close();
      tracing.close();
    }
  }

  private void handBack() {
    if (!database.isShared()) {
      return; // at its next start this server takes everything back
    }
    try {
      lifecycle.handBack();
      snapshots.handBack();
    } catch (StoreException e) {
      LOG.warn("what is unfinished waits until the leases run out: {}", e.getMessage());
    }
  }

  private static RedisSignals signalsOf(
      Config.RenewSignals from, AccessRenewal renewal, Clock clock) {
    return new RedisSignals(
        from.dsn(),
        from.queueKey(),
        from.readers(),
        clock,
        id -> renewal.accessed(id, AccessRenewal.Source.REDIS_QUEUE));
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
