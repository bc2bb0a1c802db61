package io.opensandbox.execd.command;

import io.opensandbox.execd.json.JsonWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/// How a command's status looks in JSON.
final class CommandJson {
  /// What the status of a command shows that could not be started.
  private static final int NOT_STARTED = 255;

  private final ZoneId zone;

  CommandJson(ZoneId zone) {
    this.zone = zone;
  }

  /// Writes the status as an object.
  void write(Command command, JsonWriter json) {
    CommandState state = command.state();
    json.beginObject().field("id", command.id());
    if (!command.content().isEmpty()) {
      json.field("content", command.content());
    }
    json.field("running", command.isAlive());
    switch (state) {
      case CommandState.Ended(int exitCode, String error, Instant at) ->
          end(json, exitCode, error, command.startedAt(), at);
      case CommandState.Failed(String error, Instant at) ->
          end(json, NOT_STARTED, error, command.startedAt(), at);
      case CommandState.Starting _, CommandState.Running _ ->
          json.field("started_at", time(command.startedAt()));
    }
    json.field("background", command.isBackground()).endObject();
  }

  private void end(JsonWriter json, int exitCode, String error, Instant started, Instant ended) {
    json.field("exit_code", exitCode);
    if (!error.isEmpty()) {
      json.field("error", error);
    }
    json.field("started_at", time(started)).field("finished_at", time(ended));
  }

  private String time(Instant instant) {
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(instant.atZone(zone));
  }
}
