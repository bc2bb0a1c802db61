package io.opensandbox.execd.watch;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.RequiredQuery;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// `GET /watch?path=&recursive=`: a stream of changes, each a JSON object and an empty line. It
/// begins with `ready`, says `ping` when nothing happens, and ends with the directory.
public final class WatchRoutes {
  private static final int MAX_WATCHES = 64;
  private static final Duration PING_PERIOD = Duration.ofSeconds(3);

  private final PathExpansion paths;
  private final InstantSource clock;
  private final Semaphore places = new Semaphore(MAX_WATCHES);

  /// @param clock gives each event its timestamp
  public WatchRoutes(PathExpansion paths, InstantSource clock) {
    this.paths = paths;
    this.clock = clock;
  }

  /// Adds the route.
  public void register(Router router) {
    router.add("GET", "/watch", this::watch);
  }

  private void watch(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    boolean recursive = flag(exchange.query().first("recursive").orElse("false"));
    requireDirectory(root);
    if (!places.tryAcquire()) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES, "there are " + MAX_WATCHES + " watches already; end one");
    }
    try {
      stream(exchange, root, recursive);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      places.release();
    }
  }

  private static boolean flag(String text) {
    return switch (text) {
      case "true", "1" -> true;
      case "false", "0", "" -> false;
      default ->
          throw new ExecdException(
              ErrorCode.INVALID_REQUEST_BODY,
              "query parameter 'recursive' must be true or false, not \"" + text + "\"");
    };
  }

  private static void requireDirectory(Path root) {
    if (!Files.exists(root)) {
      throw FileErrors.notFound(root);
    }
    if (!Files.isDirectory(root)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "cannot watch \"" + root + "\": it is not a directory");
    }
  }

  private void stream(Exchange exchange, Path root, boolean recursive)
      throws IOException, InterruptedException {
    Events events = new Events();
    try (DirectoryWatch watch = open(root, recursive, events)) {
      Headers headers =
          new Headers()
              .add("Content-Type", "text/event-stream")
              .add("Cache-Control", "no-cache")
              .add("Connection", "keep-alive")
              .add("X-Accel-Buffering", "no");
      OutputStream out = exchange.startStream(200, headers, OptionalLong.empty());
      events.add("ready", root).sendTo(out);
      while (watch.await(PING_PERIOD)) {
        if (events.isEmpty()) {
          events.add("ping", null);
        }
        events.sendTo(out);
      }
      events.add(DirectoryWatch.Change.DELETE.wire(), root).sendTo(out);
      out.close();
    }
  }

  private static DirectoryWatch open(Path root, boolean recursive, Events events) {
    try {
      return DirectoryWatch.open(root, recursive, events);
    } catch (IOException e) {
      throw FileErrors.of("cannot watch", root, e);
    }
  }

  /// Events that wait to be sent.
  private final class Events implements DirectoryWatch.Listener {
    private final JsonWriter json = new JsonWriter();

    @Override
    public void changed(DirectoryWatch.Change change, Path path) {
      add(change.wire(), path);
    }

    Events add(String type, @Nullable Path path) {
      json.beginObject().field("type", type);
      if (path != null) {
        json.field("path", path.toString());
      }
      json.field("timestamp", clock.millis()).endObject().raw("\n\n");
      return this;
    }

    boolean isEmpty() {
      return json.size() == 0;
    }

    void sendTo(OutputStream out) throws IOException {
      json.writeTo(out);
      out.flush();
      json.reset();
    }
  }
}
