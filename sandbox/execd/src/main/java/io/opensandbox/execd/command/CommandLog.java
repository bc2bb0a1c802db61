package io.opensandbox.execd.command;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// All commands that run, and the ones that ran: bounded in number, age, and bytes of output and of
/// command text. What goes first is the oldest that has ended. Safe for many threads.
public final class CommandLog {
  /// Command texts may be long; together they stay well below the heap.
  private static final long MAX_CONTENT_CHARS = 4 << 20;

  private final Path folder;
  private final CommandLimits limits;
  private final JournalLimits journalLimits;
  private final InstantSource clock;
  private final AtomicLong diskBytes = new AtomicLong();

  // Guarded by this.
  private final Map<String, Command> commands = new LinkedHashMap<>();
  private final Map<String, KeyedCommand> byKey = new LinkedHashMap<>();
  private long contentChars;
  private int alive;
  private int unfinished;

  /// @param folder where output goes; made when it is needed
  public CommandLog(Path folder, CommandLimits limits, InstantSource clock) {
    this.folder = folder;
    this.limits = limits;
    this.journalLimits = JournalLimits.of(limits.outputBytes(), limits.totalOutputBytes());
    this.clock = clock;
  }

  /// What a key stands for.
  ///
  /// @param fingerprint of the request that used it first
  private record KeyedCommand(long fingerprint, Command command) {}

  /// A command that was added, or the one that an earlier request with the same key had added.
  record Added(Command command, boolean fresh) {}

  /// Adds a command.
  ///
  /// @param key makes the call at-most-once; null for none
  /// @param fingerprint of the whole request
  /// @throws ExecdException `CONFLICT` when the key was used for another request,
  ///   `OUT_OF_RESOURCES` when too many commands run
  synchronized Added add(
      String id, CommandRequest request, @Nullable String key, long fingerprint) {
    return add(id, request, true, key, fingerprint);
  }

  /// Adds a command that is dropped when it has ended, and that nobody is told of before.
  synchronized Command addUnrecorded(String id, CommandRequest request) {
    return add(id, request, false, null, 0).command();
  }

  private Added add(
      String id, CommandRequest request, boolean recorded, @Nullable String key, long fingerprint) {
    KeyedCommand known = key == null ? null : byKey.get(key);
    if (known != null) {
      if (known.fingerprint() != fingerprint) {
        throw new ExecdException(
            ErrorCode.CONFLICT, "the Idempotency-Key was used for another request");
      }
      return new Added(known.command(), false);
    }
    if (alive >= limits.running()) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES, "there are " + alive + " commands running already");
    }
    var journal = new Journal(folder, id, journalLimits, diskBytes);
    String content = request.program().content();
    var command =
        new Command(id, content, request.background(), recorded, clock.instant(), journal);
    put(command);
    alive++;
    unfinished++;
    if (key != null) {
      byKey.put(key, new KeyedCommand(fingerprint, command));
    }
    return new Added(command, true);
  }

  private void put(Command command) {
    commands.put(command.id(), command);
    contentChars += command.content().length();
  }

  /// The command has come to its end.
  synchronized void ended(Command command, CommandState state) {
    if (command.isAlive()) {
      command.ended(state);
      alive--;
    }
  }

  /// Everything that the command wrote is in its journal.
  synchronized void finished() {
    unfinished--;
  }

  /// Drops a command that is not recorded, once it has ended.
  synchronized void dropUnrecorded(Command command) {
    if (!command.isRecorded() && commands.remove(command.id(), command)) {
      contentChars -= command.content().length();
      deleteOutput(command);
    }
  }

  /// Drops what is beyond the limits.
  void prune() {
    List<Command> dropped = new ArrayList<>();
    synchronized (this) {
      Instant oldest = clock.instant().minus(limits.age());
      Iterator<Command> all = commands.values().iterator();
      while (all.hasNext()) {
        Command command = all.next();
        boolean tooMany =
            commands.size() - alive > limits.records()
                || contentChars > MAX_CONTENT_CHARS
                || diskBytes.get() > journalLimits.totalBytes();
        if (!command.isAlive() && (tooMany || endOf(command).isBefore(oldest))) {
          all.remove();
          contentChars -= command.content().length();
          dropped.add(command);
          deleteOutput(command);
        } else if (!tooMany && !command.isAlive()) {
          break; // everything after it is younger
        }
      }
      if (!dropped.isEmpty()) {
        byKey.values().removeIf(keyed -> dropped.contains(keyed.command()));
      }
    }
  }

  private static Instant endOf(Command command) {
    return command.state().endedAt();
  }

  private static void deleteOutput(Command command) {
    try {
      command.journal().delete();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The command that clients know by this id.
  synchronized Optional<Command> find(String id) {
    return Optional.ofNullable(commands.get(id)).filter(Command::isVisible);
  }

  /// All commands that clients may see, oldest first.
  synchronized List<Command> all() {
    List<Command> visible = new ArrayList<>(commands.values());
    visible.removeIf(command -> !command.isVisible());
    return visible;
  }

  /// Writes all ended commands and their output to disk, for another JVM to [#restore].
  public synchronized void save() throws IOException {
    var archive = new CommandArchive(folder);
    var writer = archive.writer();
    for (Command command : commands.values()) {
      if (!command.isAlive() && command.isRecorded()) {
        writer.add(command);
      }
    }
    byKey.forEach((key, keyed) -> writer.addKey(key, keyed.fingerprint(), keyed.command().id()));
    writer.finish();
  }

  /// Takes over what another JVM has saved, and deletes output that nobody knows any more.
  public synchronized void restore() throws IOException {
    var archive = new CommandArchive(folder);
    for (CommandArchive.Saved saved : archive.read()) {
      var journal = new Journal(folder, saved.id(), journalLimits, diskBytes);
      journal.restore(saved.segments(folder), saved.events());
      var command =
          new Command(
              saved.id(), saved.content(), saved.background(), true, saved.startedAt(), journal);
      command.ended(saved.state());
      put(command);
      saved.keys().forEach((key, print) -> byKey.put(key, new KeyedCommand(print, command)));
    }
    archive.clean(commands.keySet());
  }

  /// How many have not come to their end, or have not written everything down yet.
  public synchronized int unfinished() {
    return unfinished;
  }
}
