package io.opensandbox.e2e.wire;

import java.util.List;
import java.util.Optional;

/// All events of one command, in the order in which they came.
public record Execution(List<Json> events) {
  /// Copies the list.
  public Execution {
    events = List.copyOf(events);
  }

  /// The execution's id from its `init` event.
  public String id() {
    return only("init").text("text");
  }

  /// The texts of `stdout` events.
  public List<String> stdout() {
    return texts("stdout");
  }

  /// The texts of `stderr` events.
  public List<String> stderr() {
    return texts("stderr");
  }

  /// The exit code as SDKs infer it: 0 after a completion, the number of an `error`'s `evalue`,
  /// else -1.
  public int exitCode() {
    var error = events.stream().filter(event -> event.text("type").equals("error")).findFirst();
    if (error.isPresent()) {
      var value = error.get().at("error").text("evalue");
      return value.matches("-?\\d+") ? Integer.parseInt(value) : -1;
    }
    return types().contains("execution_complete") ? 0 : -1;
  }

  /// The types of all events but pings, in order.
  public List<String> types() {
    return events.stream()
        .map(event -> event.text("type"))
        .filter(type -> !type.equals("ping"))
        .toList();
  }

  /// The `error` object, when the command failed.
  public Optional<Json> error() {
    return events.stream()
        .filter(event -> event.text("type").equals("error"))
        .map(event -> event.at("error"))
        .findFirst();
  }

  private Json only(String type) {
    var found = events.stream().filter(event -> event.text("type").equals(type)).toList();
    if (found.size() != 1) {
      throw new IllegalStateException(found.size() + " events of type " + type + " in " + events);
    }
    return found.getFirst();
  }

  private List<String> texts(String type) {
    return events.stream()
        .filter(event -> event.text("type").equals(type))
        .map(event -> event.text("text"))
        .toList();
  }
}
