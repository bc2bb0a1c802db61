package io.opensandbox.execd.fuzz;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.archive.ArchiveRoutes;
import io.opensandbox.execd.archive.Zstd;
import io.opensandbox.execd.code.CodeContexts;
import io.opensandbox.execd.code.CodeRoutes;
import io.opensandbox.execd.command.CommandLimits;
import io.opensandbox.execd.command.CommandLog;
import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.command.InterruptRoute;
import io.opensandbox.execd.directory.DirectoryRoutes;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.file.FileLimits;
import io.opensandbox.execd.file.FileRoutes;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.http.TokenGuard;
import io.opensandbox.execd.http.WebSocket;
import io.opensandbox.execd.http.WebSocketMessage;
import io.opensandbox.execd.isolated.IsolatedRoutes;
import io.opensandbox.execd.isolated.IsolationLimits;
import io.opensandbox.execd.log.Level;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.execd.proxy.PortProxy;
import io.opensandbox.execd.pty.PtyRoutes;
import io.opensandbox.execd.pty.PtySessions;
import io.opensandbox.execd.session.SessionFolders;
import io.opensandbox.execd.session.SessionRoutes;
import io.opensandbox.execd.session.SessionRunner;
import io.opensandbox.execd.session.Sessions;
import io.opensandbox.execd.sql.SqlDatabase;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/// The daemon's routes on a real server, where nothing made up can do harm: no process is started,
/// and files outside of a folder are out of reach.
final class FuzzedDaemon implements AutoCloseable {
  private final Path root;
  private final Path state;
  private final Map<String, String> variables;
  private final Clock clock = Clock.system(ZoneOffset.UTC);
  private final Log log;
  private final Spawner spawner = IdleProcess::new;
  private final CodeContexts contexts =
      new CodeContexts((language, _) -> {
        throw new IOException("no kernel for " + language);
      });
  private final IsolatedRoutes isolated;
  private final TestServer server;

  /// @param root the folder that requests may read and write
  /// @param state for files of the daemon
  FuzzedDaemon(Path root, Path state, Path envFile) throws IOException {
    this.root = root;
    this.state = state;
    this.variables =
        Map.of("PATH", "/usr/bin:/bin", "HOME", root.toString(), "EXECD_ENVS", envFile.toString());
    this.log =
        Log.open(
            Level.ofFlag(3),
            List.of(),
            OutputStream.nullOutputStream(),
            OutputStream.nullOutputStream(),
            clock);
    Router router = new Router(new TokenGuard(""));
    router.add("GET", "/ping", exchange -> exchange.respondEmpty(200));
    router.add("GET", "/echo", FuzzedDaemon::echo);
    addFiles(router);
    CommandRoutes commands = addExecutions(router);
    new CodeRoutes(
            contexts,
            commands,
            new SqlDatabase(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 1)),
            confined(),
            clock,
            1 << 20,
            _ -> {})
        .register(router);
    this.isolated =
        new IsolatedRoutes(
            new IsolatedRoutes.Environment(
                spawner,
                () -> variables,
                IsolationLimits.of(state.resolve("isolated")),
                new Leftovers(state),
                new IsolatedRoutes.Tools(Optional::empty, List.of()),
                clock,
                ids("i"),
                _ -> {}));
    isolated.register(router);
    new PortProxy(
            router, () -> 2, List.of(InetAddress.ofLiteral("127.0.0.1")), Duration.ofSeconds(10))
        .register(router);
    this.server = new TestServer(router, HttpLimits.DEFAULT);
  }

  /// The first id is the same each time, so that requests can name what was made first.
  private static Supplier<String> ids(String first) {
    AtomicInteger count = new AtomicInteger();
    return () -> count.getAndIncrement() == 0 ? first : first + count.get();
  }

  private static void echo(Exchange exchange) throws IOException {
    WebSocket socket = exchange.upgradeWebSocket();
    while (true) {
      switch (socket.receive()) {
        case WebSocketMessage.Text(String text) -> socket.sendText(text);
        case WebSocketMessage.Binary(byte[] bytes) -> socket.sendBinary(bytes, 0, bytes.length);
        case WebSocketMessage.Closed _ -> {
          return;
        }
      }
    }
  }

  private void addFiles(Router router) {
    PathView paths = confined();
    AccountDatabase accounts = AccountDatabase.ofSystem();
    FileTimes times = new FileTimes(ZoneOffset.UTC);
    FileLimits limits = FileLimits.DEFAULT;
    new FileRoutes(paths, accounts, times, limits, new Leftovers(state), NewOwner.NOBODY)
        .register(router);
    new DirectoryRoutes(paths, accounts, times, limits.bodyBytes(), NewOwner.NOBODY)
        .register(router);
    new ArchiveRoutes(paths, new Zstd(spawner, Optional::empty), new Leftovers(state))
        .register(router);
  }

  private PathView confined() {
    return new Confined(new PathExpansion(() -> variables), root);
  }

  private CommandRoutes addExecutions(Router router) {
    var envFiles =
        new EnvFileSource(() -> variables.getOrDefault("EXECD_ENVS", ""), variables, _ -> {});
    var planner = new CommandPlanner(envFiles, PathExpansion::expandText);
    var folders =
        new SessionFolders(
            envFiles::sandbox, (text, _) -> confined().expand(text).toString(), planner);
    var commandLog = new CommandLog(state.resolve("commands"), CommandLimits.DEFAULT, clock);
    var commands =
        new CommandRoutes(
            spawner, commandLog, planner, AccountDatabase.ofSystem(), clock, ids("c"), log);
    commands.register(router);
    Sessions sessions = new Sessions();
    var sessionRoutes =
        new SessionRoutes(
            sessions,
            new SessionRunner(spawner, sessions, envFiles::sandbox, clock, _ -> {}),
            folders,
            clock,
            ids("s"));
    sessionRoutes.register(router);
    router.add(
        "DELETE", "/command", new InterruptRoute(List.of(contexts, commands, sessionRoutes)));
    new PtyRoutes(
            new PtySessions(),
            new PtyRoutes.Environment(spawner, envFiles::sandbox, state),
            folders,
            ids("t"),
            _ -> {})
        .register(router);
    return commands;
  }

  /// Makes the commands `c`, in background, and `c2`, the session `s` and the terminal `t`.
  void makeWhatRequestsName() throws IOException {
    server.send("POST", "/command", "{\"command\":\"x\",\"background\":true}");
    server.send("POST", "/command", "{\"command\":\"x\"}");
    server.send("POST", "/session", "");
    server.send("POST", "/pty", "");
  }

  TestServer server() {
    return server;
  }

  @Override
  public void close() {
    server.close();
    isolated.close();
    contexts.close();
  }

  /// What a client means, unless it is outside of a folder.
  private record Confined(PathView paths, Path root) implements PathView {
    @Override
    public Path expand(String text) {
      Path path = paths.expand(text);
      if (!path.toAbsolutePath().normalize().startsWith(root)) {
        throw new ExecdException(ErrorCode.FORBIDDEN, "outside of the test's folder");
      }
      return path;
    }

    @Override
    public String display(Path path) {
      return paths.display(path);
    }
  }
}
