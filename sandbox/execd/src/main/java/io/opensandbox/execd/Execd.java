package io.opensandbox.execd;

import io.opensandbox.execd.code.CodeContexts;
import io.opensandbox.execd.code.CodeRoutes;
import io.opensandbox.execd.code.WarmKernels;
import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.command.InterruptRoute;
import io.opensandbox.execd.command.Interruptible;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.hibernate.Activity;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.HttpObserver;
import io.opensandbox.execd.http.HttpServer;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TokenGuard;
import io.opensandbox.execd.isolated.IsolatedRoutes;
import io.opensandbox.execd.kernel.DirectKernels;
import io.opensandbox.execd.kernel.JupyterServer;
import io.opensandbox.execd.kernel.KernelSource;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.metrics.MetricsRoutes;
import io.opensandbox.execd.metrics.Usage;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.execd.proxy.PortProxy;
import io.opensandbox.execd.sql.SqlDatabase;
import io.opensandbox.execd.telemetry.Telemetry;
import io.opensandbox.execd.telemetry.TelemetrySettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// The daemon: everything wired together.
final class Execd implements Activity, AutoCloseable {
  /// A program that listens on `localhost` may have chosen either.
  private static final List<InetAddress> LOOPBACKS =
      List.of(InetAddress.ofLiteral("127.0.0.1"), InetAddress.ofLiteral("::1"));

  private static final Duration CONNECT_TIME = Duration.ofSeconds(10);

  private final Log log;
  private final Executions executions;
  private final CodeContexts contexts;

  /// Whether a kernel is kept running for the first who needs one.
  private final boolean warm;

  private final FileSystemRoutes files;
  private final IsolatedRoutes isolated;
  private final @Nullable Telemetry telemetry;
  private final HttpServer server;
  private final Router router;

  /// What the daemon needs from outside.
  ///
  /// @param environment the daemon's own
  /// @param isolation what isolated sessions use
  /// @param random whose numbers nobody can guess
  record Surroundings(
      Map<String, String> environment,
      Spawner spawner,
      IsolatedRoutes.Tools isolation,
      Clock clock,
      Log log,
      RandomGenerator random) {
    Surroundings {
      environment = Map.copyOf(environment);
    }

    Ids ids() {
      return new Ids(random);
    }
  }

  /// @param listener bound; closed with the daemon
  Execd(Settings settings, Surroundings surroundings, ServerSocketChannel listener) {
    router = new Router(new TokenGuard(settings.accessToken()));
    router.add("GET", "/ping", exchange -> exchange.respondEmpty(200));
    this.log = surroundings.log();
    this.warm = !settings.code().warmKernel().isEmpty();
    EnvFileSource envFiles = envFiles(surroundings);
    this.executions = new Executions(settings, surroundings, envFiles);
    executions.register(router);
    this.contexts = addCode(router, settings, surroundings, executions.commands(), envFiles);
    List<Interruptible> interruptibles = new ArrayList<>(executions.interruptibles());
    interruptibles.addFirst(contexts);
    var interrupt = new InterruptRoute(interruptibles);
    router.add("DELETE", "/command", interrupt).add("DELETE", "/code", interrupt);
    this.files = new FileSystemRoutes(settings, surroundings, new PathExpansion(envFiles::sandbox));
    files.register(router);
    MetricsRoutes.ofSystem(surroundings.clock()).register(router);
    this.isolated = isolated(settings, surroundings, envFiles);
    isolated.register(router);
    new PortProxy(router, this::port, LOOPBACKS, CONNECT_TIME).register(router);
    this.telemetry = telemetry(surroundings);
    HttpObserver observer = new RequestLog(surroundings.log());
    this.server =
        new HttpServer(
            listener,
            router,
            HttpLimits.DEFAULT,
            telemetry == null ? observer : HttpObserver.both(observer, telemetry));
  }

  /// Null without an endpoint. A bad setting costs the metrics, not the daemon.
  private static @Nullable Telemetry telemetry(Surroundings surroundings) {
    try {
      return TelemetrySettings.of(
              surroundings.environment(), Path.of("/etc/hostinfo"), Main.VERSION)
          .map(settings ->
              new Telemetry(
                  settings,
                  Main.VERSION,
                  Usage.ofSystem(surroundings.clock()),
                  surroundings.clock(),
                  surroundings.log()::warn))
          .orElse(null);
    } catch (IllegalArgumentException e) {
      surroundings.log().warn("there are no metrics: " + e.getMessage());
      return null;
    }
  }

  private IsolatedRoutes isolated(
      Settings settings, Surroundings surroundings, EnvFileSource envFiles) {
    return new IsolatedRoutes(
        new IsolatedRoutes.Environment(
            surroundings.spawner(),
            envFiles::sandbox,
            settings.isolation(),
            files.leftovers(),
            surroundings.isolation(),
            surroundings.clock(),
            surroundings.ids()::session,
            surroundings.log()::warn));
  }

  private static CodeContexts addCode(
      Router router,
      Settings settings,
      Surroundings surroundings,
      CommandRoutes commands,
      EnvFileSource envFiles) {
    Clock clock = surroundings.clock();
    // What kernels that execd starts itself have.
    Supplier<Map<String, String>> environment = () -> envFiles.read().commands();
    KernelSource kernels = kernels(settings, surroundings, environment);
    String warmLanguage = settings.code().warmKernel();
    if (!warmLanguage.isEmpty()) {
      // A Jupyter server starts kernels in its own environment, which does not change.
      boolean own = settings.jupyter().host().isEmpty();
      var warm = new WarmKernels(kernels, warmLanguage, own ? environment : Map::of);
      warm.warm();
      kernels = warm;
    }
    var contexts = new CodeContexts(kernels);
    new CodeRoutes(
            contexts,
            commands,
            new SqlDatabase(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 3306)),
            new PathExpansion(envFiles::sandbox),
            clock,
            settings.code().outputLimitBytes(),
            surroundings.log()::warn)
        .register(router);
    return contexts;
  }

  /// A Jupyter server when one is configured, else the kernels that are installed.
  private static KernelSource kernels(
      Settings settings, Surroundings surroundings, Supplier<Map<String, String>> environment) {
    Settings.Jupyter jupyter = settings.jupyter();
    if (!jupyter.host().isEmpty()) {
      return new JupyterServer(jupyter.host(), jupyter.token(), surroundings.clock());
    }
    return new DirectKernels(
        surroundings.spawner(),
        environment,
        Path.of(settings.temporaryFolder(), "execd", "kernels"),
        surroundings.random(),
        surroundings.clock());
  }

  private static EnvFileSource envFiles(Surroundings surroundings) {
    Map<String, String> environment = surroundings.environment();
    String envFile = environment.getOrDefault("EXECD_ENVS", "");
    return new EnvFileSource(
        () -> PathExpansion.expandText(envFile, environment),
        environment,
        surroundings.log()::warn);
  }

  /// What it serves.
  List<Router.Route> routes() {
    return router.routes();
  }

  /// Takes over what was saved, and begins to serve.
  void start() {
    try {
      executions.restore();
    } catch (IOException e) {
      log.error("cannot restore what was saved", e);
    }
    try {
      files.sweep();
      isolated.sweep();
    } catch (IOException e) {
      log.error("cannot remove what a killed daemon left behind", e);
    }
    server.start();
    if (telemetry != null) {
      telemetry.start();
    }
  }

  /// The port it serves on.
  int port() {
    return server.port();
  }

  @Override
  public Duration idleTime() {
    return server.idleTime();
  }

  @Override
  public boolean isBusy() {
    return warm || executions.isBusy() || !contexts.isEmpty() || !isolated.isIdle();
  }

  @Override
  public boolean retire() {
    return server.retire();
  }

  @Override
  public void resume() {
    server.resume();
  }

  @Override
  public boolean save() {
    try {
      executions.save();
      closeTelemetry();
      return true;
    } catch (IOException e) {
      log.error("cannot save what clients may still ask for", e);
      return false;
    }
  }

  private void closeTelemetry() {
    if (telemetry != null) {
      telemetry.close();
    }
  }

  /// Ends requests and stops.
  @Override
  public void close() {
    server.close();
    isolated.close();
    closeTelemetry();
  }
}
