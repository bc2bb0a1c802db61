package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.json.JsonWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.BiConsumer;

/// Writes sessions as JSON.
final class SessionJson {
  private final FileTimes times;

  SessionJson(FileTimes times) {
    this.times = times;
  }

  /// The answer to a creation: the id, the parameters as they were understood, and where changes
  /// are to be had.
  JsonWriter created(IsolatedSession session) {
    JsonWriter json = new JsonWriter().beginObject().field("session_id", session.id());
    json.field("created_at", times.format(session.createdAt()));
    parameters(json, session.request());
    json.name("isolation");
    parameters(json.beginObject(), session.request()).endObject();
    boolean kept =
        session.request().mounts().stream()
            .anyMatch(mount -> mount.persistence().store() == IsolationRequest.Store.VOLUME);
    if (!kept) {
      return json.nullField("artifacts").endObject();
    }
    String base = "/v1/isolated/session/" + session.id();
    return json.name("artifacts")
        .beginObject()
        .field("diff_url", base + "/diff")
        .field("commit_url", base + "/commit")
        .endObject()
        .endObject();
  }

  /// What a session is and does now.
  JsonWriter state(JsonWriter json, IsolatedSession session, Instant now) {
    json.field("session_id", session.id());
    json.field("status", status(session));
    json.field("created_at", times.format(session.createdAt()));
    json.field("last_run_at", times.format(session.lastRunAt()));
    session
        .idleRemaining(now)
        .ifPresentOrElse(
            left -> json.field("idle_remaining_seconds", Math.max(0, left.toSeconds())),
            () -> json.nullField("idle_remaining_seconds"));
    return json;
  }

  private static String status(IsolatedSession session) {
    if (session.isDestroyed()) {
      return "destroyed";
    }
    return session.namespace().isAlive() ? "active" : "dead";
  }

  /// The parameters of a session.
  JsonWriter parameters(JsonWriter json, IsolationRequest request) {
    json.field("profile", lower(request.profile()));
    IsolationRequest.Mount first = request.mounts().getFirst();
    mount(json.name("workspace"), first);
    array(json, "overlays", request.mounts(), SessionJson::overlay);
    array(json, "extra_writable", request.extraWritable(), SessionJson::path);
    array(json, "binds", request.binds(), SessionJson::bind);
    json.field("share_net", request.shareNetwork());
    json.name("env_passthrough").beginObject();
    json.field("mode", request.environment().allow() ? "allow" : "deny");
    array(json, "keys", request.environment().keys(), JsonWriter::value).endObject();
    id(json, "uid", request.identity().uid());
    id(json, "gid", request.identity().gid());
    json.field("uid_mode", request.identity().namespaced() ? "userns" : "setpriv");
    return json.field("idle_timeout_seconds", request.idle().toSeconds());
  }

  /// What tells of a background run that has begun.
  JsonWriter handle(IsolatedSession session, BackgroundRun run) {
    return new JsonWriter()
        .beginObject()
        .field("session_id", session.id())
        .field("run_id", run.id())
        .field("started_at", times.format(run.startedAt()))
        .endObject();
  }

  /// What became of a background run.
  JsonWriter run(IsolatedSession session, BackgroundRun run) {
    JsonWriter json = new JsonWriter().beginObject().field("session_id", session.id());
    json.field("run_id", run.id()).field("running", run.finishedAt() == null);
    Integer exitCode = run.exitCode();
    if (exitCode != null) {
      json.field("exit_code", exitCode);
    }
    if (!run.error().isEmpty()) {
      json.field("error", run.error());
    }
    json.field("started_at", times.format(run.startedAt()));
    Instant finishedAt = run.finishedAt();
    if (finishedAt != null) {
      json.field("finished_at", times.format(finishedAt));
    }
    return json.endObject();
  }

  private static void id(JsonWriter json, String name, OptionalLong id) {
    if (id.isPresent()) {
      json.field(name, id.getAsLong());
    }
  }

  private static <T> JsonWriter array(
      JsonWriter json, String name, List<T> items, BiConsumer<JsonWriter, T> writer) {
    json.name(name).beginArray();
    items.forEach(item -> writer.accept(json, item));
    return json.endArray();
  }

  private static void mount(JsonWriter json, IsolationRequest.Mount mount) {
    json.beginObject().field("path", mount.path().toString());
    json.field("mode", lower(mount.mode()));
    IsolationRequest.Persistence persistence = mount.persistence();
    if (persistence.store() == IsolationRequest.Store.VOLUME) {
      json.name("persist").beginObject().field("enabled", true);
      json.field("retain_seconds", persistence.retain().toSeconds());
      json.field("max_size_bytes", persistence.maxBytes()).endObject();
    }
    json.endObject();
  }

  /// In this list, clients know only whether changes are on disk.
  private static void overlay(JsonWriter json, IsolationRequest.Mount mount) {
    json.beginObject().field("path", mount.path().toString());
    json.field("mode", lower(mount.mode()));
    if (mount.mode() == IsolationRequest.Mode.OVERLAY) {
      json.field("persist", mount.persistence().store() != IsolationRequest.Store.MEMORY);
    }
    json.endObject();
  }

  private static void path(JsonWriter json, Path path) {
    json.value(path.toString());
  }

  private static void bind(JsonWriter json, IsolationRequest.Bind bind) {
    json.beginObject().field("source", bind.source().toString());
    json.field("dest", bind.destination().toString()).field("readonly", bind.readOnly());
    json.endObject();
  }

  static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
