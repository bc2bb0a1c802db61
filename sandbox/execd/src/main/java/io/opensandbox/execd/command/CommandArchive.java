package io.opensandbox.execd.command;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Ended commands on disk while the daemon is away. Only a file of the daemon's own user in a
/// folder of its own is believed; output files are found by their command's id, never by a path.
final class CommandArchive {
  private static final String NAME = "commands.json";
  private static final long MAX_BYTES = 64 << 20;

  private final Path folder;

  CommandArchive(Path folder) {
    this.folder = folder;
  }

  /// One command as it was saved.
  record Saved(JsonObject object, Map<String, Long> keys) {
    String id() {
      return object.stringOrEmpty("id");
    }

    String content() {
      return object.stringOrEmpty("content");
    }

    boolean background() {
      return object.flag("background");
    }

    Instant startedAt() {
      return instant("started");
    }

    long events() {
      return object.integer("events").orElse(0);
    }

    CommandState state() {
      String error = object.stringOrEmpty("error");
      Instant at = instant("ended");
      return object.flag("failed")
          ? new CommandState.Failed(error, at)
          : new CommandState.Ended((int) object.integer("exit_code").orElse(0), error, at);
    }

    List<Segment> segments(Path folder) {
      List<Segment> segments = new ArrayList<>();
      for (JsonObject segment : objects(object, "segments")) {
        long number = segment.integer("number").orElse(0);
        segments.add(
            Segment.restored(
                folder.resolve(id() + "." + number),
                segment.integer("start").orElse(0),
                segment.integer("events_before").orElse(0),
                segment.integer("length").orElse(0)));
      }
      return segments;
    }

    private Instant instant(String name) {
      return Instant.ofEpochSecond(
          object.integer(name + "_seconds").orElse(0), object.integer(name + "_nanos").orElse(0));
    }
  }

  /// A key that was used to start a command.
  private record Key(String key, long fingerprint, String id) {}

  /// Collects what is to be saved.
  Writer writer() {
    return new Writer();
  }

  /// What was saved; empty when there is nothing that can be believed. The file is deleted, it
  /// counts once.
  List<Saved> read() throws IOException {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    if (!isOurs(folder) || !isOurs(file) || Files.size(file) > MAX_BYTES) {
      return List.of();
    }
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    try {
      JsonObject all = JsonParser.parseObject(bytes);
      Map<String, Map<String, Long>> keys = new HashMap<>();
      for (JsonObject key : objects(all, "keys")) {
        keys.computeIfAbsent(key.stringOrEmpty("id"), _ -> new HashMap<>())
            .put(key.stringOrEmpty("key"), key.integer("fingerprint").orElse(0));
      }
      List<Saved> saved = new ArrayList<>();
      for (JsonObject command : objects(all, "commands")) {
        String id = command.stringOrEmpty("id");
        saved.add(new Saved(command, keys.getOrDefault(id, Map.of())));
      }
      return saved;
    } catch (ExecdException e) {
      throw new IOException("the saved commands in " + file + " cannot be read", e);
    }
  }

  /// Deletes output files of unknown commands, which a JVM has left that died.
  void clean(Set<String> known) throws IOException {
    if (!Files.isDirectory(folder) || !isOurs(folder)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        int dot = name.indexOf('.');
        boolean output = dot > 0 && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
        if (output && !known.contains(name.substring(0, dot))) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static boolean isOurs(Path path) throws IOException {
    Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    return owner.equals(Files.getAttribute(Path.of("/proc/self/"), "unix:uid"));
  }

  private static List<JsonObject> objects(JsonObject object, String name) {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonValue value : object.array(name).map(JsonArray::values).orElse(List.of())) {
      if (value instanceof JsonObject one) {
        objects.add(one);
      }
    }
    return objects;
  }

  /// Writes the file at the end, in one step.
  final class Writer {
    private final JsonWriter json =
        new JsonWriter(4096).beginObject().name("commands").beginArray();
    private final List<Key> keyed = new ArrayList<>();

    void add(Command command) throws IOException {
      json.beginObject()
          .field("id", command.id())
          .field("content", command.content())
          .field("background", command.isBackground())
          .field("events", command.journal().events());
      instant("started", command.startedAt());
      switch (command.state()) {
        case CommandState.Ended(int exitCode, String error, Instant at) -> {
          json.field("exit_code", exitCode).field("error", error);
          instant("ended", at);
        }
        case CommandState.Failed(String error, Instant at) -> {
          json.field("failed", true).field("error", error);
          instant("ended", at);
        }
        case CommandState.Starting _, CommandState.Running _ ->
            throw new IllegalArgumentException("command " + command.id() + " has not ended");
      }
      json.name("segments").beginArray();
      for (Segment segment : command.journal().persist()) {
        json.beginObject()
            .field("number", segment.number())
            .field("start", segment.start)
            .field("events_before", segment.eventsBefore)
            .field("length", segment.length())
            .endObject();
      }
      json.endArray().endObject();
    }

    private void instant(String name, Instant instant) {
      json.field(name + "_seconds", instant.getEpochSecond())
          .field(name + "_nanos", instant.getNano());
    }

    void addKey(String key, long fingerprint, String id) {
      keyed.add(new Key(key, fingerprint, id));
    }

    void finish() throws IOException {
      json.endArray().name("keys").beginArray();
      for (Key key : keyed) {
        json.beginObject()
            .field("key", key.key())
            .field("fingerprint", key.fingerprint())
            .field("id", key.id())
            .endObject();
      }
      json.endArray().endObject();
      Files.createDirectories(folder);
      Path temporary = folder.resolve(NAME + ".new");
      Files.deleteIfExists(temporary);
      var permissions =
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
      Files.createFile(temporary, permissions);
      Files.write(temporary, json.toBytes(), StandardOpenOption.WRITE);
      Files.move(temporary, folder.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
