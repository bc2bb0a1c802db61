package io.opensandbox.execd;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.command.CommandLog;
import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.command.Interruptible;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.pty.PtyRoutes;
import io.opensandbox.execd.pty.PtySessions;
import io.opensandbox.execd.session.SessionFolders;
import io.opensandbox.execd.session.SessionRoutes;
import io.opensandbox.execd.session.SessionRunner;
import io.opensandbox.execd.session.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Commands, shell sessions and terminals, wired together.
final class Executions {
  private final CommandLog log;
  private final CommandRoutes commands;
  private final Sessions sessions = new Sessions();
  private final SessionRoutes sessionRoutes;
  private final PtySessions terminals = new PtySessions();
  private final PtyRoutes terminalRoutes;

  Executions(Settings settings, Execd.Surroundings surroundings, EnvFileSource envFiles) {
    Path folder = Path.of(settings.temporaryFolder(), "execd-commands-" + settings.port());
    var planner = new CommandPlanner(envFiles, PathExpansion::expandText);
    var folders = new SessionFolders(envFiles::sandbox, PathExpansion::expandText, planner);
    this.log = new CommandLog(folder, settings.commands(), surroundings.clock());
    this.commands = commands(surroundings, planner);
    this.sessionRoutes = sessions(surroundings, folders, envFiles);
    var environment = new PtyRoutes.Environment(surroundings.spawner(), envFiles::sandbox, folder);
    this.terminalRoutes = terminals(surroundings, folders, environment);
  }

  private CommandRoutes commands(Execd.Surroundings surroundings, CommandPlanner planner) {
    return new CommandRoutes(
        surroundings.spawner(),
        log,
        planner,
        AccountDatabase.ofSystem(),
        surroundings.clock(),
        surroundings.ids()::command,
        surroundings.log());
  }

  private SessionRoutes sessions(
      Execd.Surroundings surroundings, SessionFolders folders, EnvFileSource envFiles) {
    var runner =
        new SessionRunner(
            surroundings.spawner(),
            sessions,
            envFiles::sandbox,
            surroundings.clock(),
            surroundings.log()::warn);
    return new SessionRoutes(
        sessions, runner, folders, surroundings.clock(), surroundings.ids()::session);
  }

  private PtyRoutes terminals(
      Execd.Surroundings surroundings, SessionFolders folders, PtyRoutes.Environment environment) {
    return new PtyRoutes(
        terminals, environment, folders, surroundings.ids()::session, surroundings.log()::warn);
  }

  void register(Router router) {
    commands.register(router);
    sessionRoutes.register(router);
    terminalRoutes.register(router);
  }

  /// The routes of commands; `/code` runs shell commands through them.
  CommandRoutes commands() {
    return commands;
  }

  /// Whether something runs, or is held for a client.
  boolean isBusy() {
    return log.unfinished() > 0 || sessions.size() > 0 || terminals.size() > 0;
  }

  /// Writes down what clients may still ask for.
  void save() throws IOException {
    log.save();
  }

  /// Takes over what was saved.
  void restore() throws IOException {
    log.restore();
  }

  /// What can be interrupted by its id.
  List<Interruptible> interruptibles() {
    return List.of(commands, sessionRoutes);
  }
}
