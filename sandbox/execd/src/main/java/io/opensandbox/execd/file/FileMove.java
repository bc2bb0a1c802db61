package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/// `POST /files/mv`: `[{src, dest}]`, one after the other. Parents of a destination are made; an
/// existing destination is refused. Between file systems the tree is copied beside the destination,
/// renamed, and only then removed at its source.
final class FileMove implements Handler {
  private final PathView paths;
  private final long bodyLimit;
  private final Leftovers leftovers;
  private final NewOwner owner;

  FileMove(PathView paths, long bodyLimit, Leftovers leftovers, NewOwner owner) {
    this.paths = paths;
    this.bodyLimit = bodyLimit;
    this.leftovers = leftovers;
    this.owner = owner;
  }

  private record Step(Path source, Path destination) {}

  @Override
  public void handle(Exchange exchange) throws IOException {
    List<Step> steps = parse(JsonParser.parse(exchange.readBody(bodyLimit)));
    try (Leftovers.Staging staging = leftovers.begin()) {
      steps.forEach(step -> move(step, staging));
    }
    exchange.respondEmpty(200);
  }

  private List<Step> parse(JsonValue body) {
    List<JsonValue> items =
        switch (body) {
          case JsonArray array -> array.values();
          case JsonValue.Null _ -> List.of();
          default -> throw JsonObject.wrongType("body", "array", body);
        };
    List<Step> steps = new ArrayList<>();
    for (JsonValue item : items) {
      if (!(item instanceof JsonObject step)) {
        throw JsonObject.wrongType("body[" + steps.size() + "]", "object", item);
      }
      steps.add(new Step(path(step, "src"), path(step, "dest")));
    }
    return steps;
  }

  private Path path(JsonObject step, String field) {
    String text = step.stringOrEmpty(field);
    if (text.isEmpty()) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "field \"" + field + "\" must be a path");
    }
    return paths.expand(text);
  }

  private void move(Step step, Leftovers.Staging staging) {
    Path source = step.source;
    Path destination = step.destination;
    if (!Files.exists(source)) {
      throw FileErrors.notFound(source);
    }
    if (Files.exists(destination, LinkOption.NOFOLLOW_LINKS)) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "destination path already exists: \"" + destination + "\"");
    }
    if (destination.startsWith(source)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "cannot move \"%s\" into itself, to \"%s\"".formatted(source, destination));
    }
    try {
      owner.createDirectories(destination.resolveSibling(""));
      rename(source, destination, staging);
    } catch (IOException e) {
      throw FileErrors.failed("error moving \"" + source + "\" to", destination, e);
    }
  }

  private static void rename(Path source, Path destination, Leftovers.Staging staging)
      throws IOException {
    try {
      Files.move(source, destination, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException _) {
      moveBetweenFileSystems(source, destination, staging);
    }
  }

  private static void moveBetweenFileSystems(
      Path source, Path destination, Leftovers.Staging staging) throws IOException {
    Path copy = staging.in(destination.resolveSibling(""));
    try {
      FileTree.copy(source, copy);
      Files.move(copy, destination, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      FileTree.delete(copy);
      throw e;
    }
    FileTree.delete(source);
  }
}
