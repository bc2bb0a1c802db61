package io.opensandbox.runtime.local.engine;

import io.opensandbox.runtime.local.cgroup.Group;
import io.opensandbox.runtime.local.cgroup.Settling;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/// Starts and ends the processes of sandboxes.
public final class Engine {
  /// A start takes a few hundredths of a second; where the disk is busy, it waits for its turn.
  private static final Duration START_LIMIT = Duration.ofMinutes(2);

  private final Path sandboxes;
  private final Path launcher;
  private final Notes notes;
  private final Runner runner;
  private final Launch launch;

  /// An engine below a data directory; writes the filter of system calls there.
  ///
  /// @param data the runtime's data directory
  /// @param launcher execd, whose `enter` starts sandboxes
  /// @param notes where starts and ends are told
  /// @param architecture `amd64` or `arm64`
  /// @param capabilities kept by root in the sandbox, without `CAP_`
  public Engine(
      Path data,
      Path launcher,
      Notes notes,
      String architecture,
      List<String> capabilities,
      Runner runner) {
    this.sandboxes = data.resolve("sandboxes");
    this.launcher = launcher;
    this.notes = notes;
    this.runner = runner;
    Set<String> present = new HashSet<>();
    Launch.kernelPaths().stream().filter(path -> Files.exists(Path.of(path))).forEach(present::add);
    this.launch = new Launch(present, capabilities);
    install(data.resolve("bin/seccomp"), SeccompFilter.program(architecture));
  }

  private static void install(Path file, byte[] content) {
    Path draft = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.createDirectories(file.resolveSibling("."));
      Files.write(draft, content);
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot prepare " + file, e);
    }
  }

  /// Starts the sandbox and returns when its first program runs.
  ///
  /// @param network path of its network namespace
  /// @throws StartFailure with what went wrong; nothing runs then
  public void start(SandboxRecord sandbox, Path network, Group cgroup) {
    Path directory = directory(sandbox.id());
    write(directory, sandbox, network.resolveSibling(""), cgroup);
    List<String> argv =
        new ArrayList<>(List.of(launcher.toString(), "enter", network.toString(), "--"));
    argv.addAll(sandbox.process().argv());
    Runner.Output output;
    try {
      output = runner.run(Runner.Command.of(argv).in(directory).within(START_LIMIT));
    } catch (Runner.RunFailure e) {
      cgroup.kill();
      throw new StartFailure(e.getMessage() == null ? "cannot start" : e.getMessage(), e);
    } finally {
      forgetArguments(notes(sandbox.id()));
    }
    if (output.exitCode() != 0 || !hasRun(sandbox.id(), cgroup)) {
      cgroup.kill();
      throw new StartFailure(complaint(directory, output.stderr()), null);
    }
  }

  /// Waits until the first program was reached, or nothing is left that could reach it. Once
  /// reached it may end at any time, and its exit status is noted a moment later.
  private boolean hasRun(String id, Group cgroup) {
    AtomicBoolean reached = new AtomicBoolean();
    Settling.within(
        START_LIMIT,
        () -> {
          // In this order: bubblewrap notes the exit status before it ends.
          boolean gone = cgroup.processes().isEmpty();
          Status status = Status.read(statusFile(id));
          reached.set(
              status.exitCode().isPresent()
                  || (status.pid().isPresent() && !isBubblewrap(status.pid().getAsLong())));
          return gone || reached.get();
        });
    return reached.get();
  }

  /// Whether a process still makes the sandbox rather than being in it.
  private static boolean isBubblewrap(long pid) {
    try {
      Path program = Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "exe"));
      return program.endsWith("bwrap");
    } catch (IOException e) {
      // It has ended; how is known in a moment.
      return true;
    }
  }

  private void write(Path directory, SandboxRecord sandbox, Path networks, Group cgroup) {
    List<String> args = launch.arguments(sandbox, hostname(sandbox.id()));
    try {
      Path run = notes.make(sandbox.id());
      Files.deleteIfExists(directory.resolve("run"));
      Files.createSymbolicLink(directory.resolve("run"), run.toAbsolutePath());
      Files.write(
          run.resolve("cgroups"), cgroup.directories().stream().map(Path::toString).toList());
      if (cgroup.directories().isEmpty() && sandbox.limits().pids().isPresent()) {
        Files.writeString(run.resolve("processes"), sandbox.limits().pids().getAsLong() + "\n");
      }
      Files.writeString(run.resolve("volumes"), Launch.volumes(sandbox));
      Files.write(run.resolve("mounts"), launch.mounts(sandbox, networks, cgroup.visible()));
      Path file =
          Files.createFile(
              run.resolve("args"),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(file, String.join("\0", args) + "\0", StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot prepare " + directory, e);
    }
  }

  /// The arguments hold the environment, so they do not stay a second time.
  private static void forgetArguments(Path run) {
    try {
      Files.deleteIfExists(run.resolve("args"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tidy " + run, e);
    }
  }

  /// The first line that bubblewrap or the launcher wrote, which is in the sandbox's log.
  private static String complaint(Path directory, String stderr) {
    Path log = directory.resolve("log/current");
    // The writer makes the file executable when it has written everything.
    Settling.within(Duration.ofSeconds(5), () -> Files.isExecutable(log));
    try {
      List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
      String first = lines.isEmpty() ? "" : lines.getFirst().replaceFirst("^\\S+ ", "");
      if (!first.isEmpty()) {
        return first;
      }
      return stderr.isBlank()
          ? "cannot start: it was ended before its first program ran; is its memory limit too small?"
          : "cannot start: " + stderr.strip();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }

  /// The host name of a sandbox: the first twelve digits of its id, as Docker does. Without a
  /// letter among them the first becomes one: resolvers take decimal digits for an address.
  public static String hostname(String id) {
    String name = id.length() > 12 ? id.replace("-", "").substring(0, 12) : id;
    return name.chars().allMatch(Character::isDigit)
        ? (char) ('a' + (name.charAt(0) - '0') % 6) + name.substring(1)
        : name;
  }

  /// Exit status of the first process, once it ended.
  public OptionalInt exitCode(String id) {
    return Status.read(statusFile(id)).exitCode();
  }

  /// When the first process ended; call only after [#exitCode] is present.
  public java.time.Instant endedAt(String id) {
    return Status.read(statusFile(id)).writtenAt();
  }

  /// Whether the first process of the sandbox runs or is frozen.
  public boolean isAlive(String id, Group cgroup) {
    Status status = Status.read(statusFile(id));
    return status.exitCode().isEmpty()
        && status.pid().isPresent()
        && cgroup.processes().contains(status.pid().getAsLong());
  }

  /// The processes of a running sandbox after whose ends none is left: the first one, which takes
  /// all others of its namespace with it, and the one outside that notes the exit status. None when
  /// the status is noted.
  public List<Long> pillars(String id) {
    Status status = Status.read(statusFile(id));
    if (status.pid().isEmpty() || status.exitCode().isPresent()) {
      return List.of();
    }
    Optional<ProcessHandle> first = ProcessHandle.of(status.pid().getAsLong());
    Optional<ProcessHandle> noter =
        first
            .flatMap(ProcessHandle::parent)
            .filter(parent -> network(parent).equals(first.flatMap(Engine::network)));
    return Stream.concat(first.stream(), noter.stream()).map(ProcessHandle::pid).toList();
  }

  /// What tells the network of a process from others; empty for one that has just ended.
  private static Optional<Path> network(ProcessHandle process) {
    try {
      return Optional.of(
          Files.readSymbolicLink(Path.of("/proc", Long.toString(process.pid()), "ns/net")));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /// Asks the first process to end, waits up to `grace`, then kills everything; blocks until the
  /// sandbox has no process.
  ///
  /// @return false when something could not be killed
  public boolean end(String id, Group cgroup, Duration grace) {
    if (cgroup.exists() && !grace.isZero() && isAlive(id, cgroup)) {
      cgroup.thaw();
      Status.read(statusFile(id)).pid().ifPresent(Engine::terminate);
      Settling.within(grace, () -> !isAlive(id, cgroup));
    }
    return cgroup.kill();
  }

  private static void terminate(long pid) {
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
  }

  private Path notes(String id) {
    return notes.of(id);
  }

  /// The directory in which a change tells that the sandbox began or ended; made when it is not
  /// there.
  public Path makeNotes(String id) {
    return notes.make(id);
  }

  private Path statusFile(String id) {
    return notes(id).resolve("status");
  }

  private Path directory(String id) {
    return sandboxes.resolve(id);
  }

  /// A sandbox that could not be started.
  public static final class StartFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StartFailure(String message, @org.jspecify.annotations.Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
